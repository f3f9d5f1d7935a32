#pragma once

#include "engines/backend.h"
#include "engines/postgres/connection.h"
#include "engines/postgres/raw_result.h"

namespace athena::postgres {

class Pool;

/// A caller's text on its way: waiting for a pipelined connection, or on a leased one; its deadline; its
/// caller leaving. Lives in the coroutine that runs it.
class RawRun final : public Operation, public query::RowSource {
 public:
  struct Options {
    base::Deadline deadline;
    bool may_leave = false;  ///< a read: cancelled when its caller leaves
  };
  RawRun(Pool& pool, RawResult& result, const engines::ExecutionContext& context, Options options);
  ~RawRun() override;

  /// On whichever pipelined connection has the shortest queue. Check Pool::refusal() before.
  base::Task<> run_pipelined();
  /// On a leased connection.
  base::Task<> run_exclusive(Connection& connection);

  enum class End : std::uint8_t { normal, pool_timeout, deadline, caller_left, too_much };
  End end = End::normal;

  void resume() override;
  bool on_columns(std::span<const query::ValueFormat* const> formats) override;
  query::RowFlow on_row(std::string_view body) override;
  void on_command(std::string_view word, std::int64_t count) override;
  void on_notice(const wire::ErrorFields& fields) override;
  void on_finished() override;

 private:
  void on_timer();
  void watch_caller();
  void leave(End how);
  void cancel(End why);
  void finish();

  Pool& pool_;
  RawResult& result_;
  const engines::ExecutionContext& context_;
  const Options options_;
  bool exclusive_ = false;
  bool cancelled_ = false;
  base::Clock::time_point patience_{};
  base::Timer timer_;
  base::Completion<int> done_;
};

/// Parses a text on a leased connection and asks for the types of its parameters.
class DescribeRun final : public Operation {
 public:
  DescribeRun(Pool& pool, Connection& connection, std::string_view text);
  /// Outcome; `parameter_oids` and `error` beside it. At the deadline the connection is closed.
  base::Task<Outcome> run(base::Deadline deadline);
  std::vector<std::uint32_t> parameter_oids;

  bool on_columns(std::span<const query::ValueFormat* const>) override { return true; }
  query::RowFlow on_row(std::string_view) override { return query::RowFlow::more; }
  void on_parameters(std::string_view oids) override;
  void on_finished() override;

 private:
  Pool& pool_;
  Connection& target_;
  base::Timer timer_;
  base::Completion<int> done_;
};

}  // namespace athena::postgres
