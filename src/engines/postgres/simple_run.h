#pragma once

#include <string>

#include "base/coroutine.h"
#include "engines/postgres/connection.h"

namespace athena::postgres {

/// A statement without rows of interest on an exclusive connection (BEGIN, SET …), for coroutines. At the
/// deadline the connection is closed: what state it is in would not be known.
class SimpleRun final : public Operation {
 public:
  SimpleRun(base::Shard& shard, Connection& connection, std::string text);
  /// Outcome of the statement; `error` beside it.
  base::Task<Outcome> run(base::Deadline deadline);

  bool on_columns(std::span<const query::ValueFormat* const>) override { return true; }
  query::RowFlow on_row(std::string_view) override { return query::RowFlow::more; }
  void on_finished() override;

 private:
  base::Shard& shard_;
  Connection& target_;
  std::string text_;
  base::Timer timer_;
  base::Completion<int> done_;
};

/// The same without anybody waiting: deletes itself after `done(outcome)`. Closes the connection after
/// `limit`.
void run_detached(base::Shard& shard, Connection& connection, std::string text,
                  std::chrono::milliseconds limit, std::function<void(Operation::Outcome)> done);

}  // namespace athena::postgres
