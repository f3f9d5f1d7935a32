#pragma once

#include "engines/postgres/raw_result.h"
#include "engines/postgres/timed_run.h"

namespace athena::postgres {

/// A caller's text and what it returns.
class RawRun final : public TimedRun {
 public:
  /// `deadline`: of the request, or the text's own time limit.
  RawRun(Pool& pool, RawResult& result, const engines::ExecutionContext& context, base::Deadline deadline,
         bool may_leave);
  ~RawRun() override;

  bool on_columns(std::span<const query::ValueFormat* const> formats) override;
  query::RowFlow on_row(std::string_view body) override;
  void on_command(std::string_view word, std::int64_t count) override;
  void on_notice(const wire::ErrorFields& fields) override;

 private:
  [[nodiscard]] bool overflowed() const override { return result_.overflowed(); }

  RawResult& result_;
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
