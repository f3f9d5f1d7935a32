#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/operation.h"

namespace athena::api {

/// A count that runs while the rows of the same request are read. It must be waited for before it goes away.
class CountBeside {
 public:
  /// `count` holds a query::Count; it, the call and the operation outlive this.
  CountBeside(Call& call, Operation& operation, const query::Request& count,
              engines::Cancellation& cancellation)
      : call_(call), operation_(operation), count_(count), cancellation_(cancellation) {}
  CountBeside(const CountBeside&) = delete;
  CountBeside& operator=(const CountBeside&) = delete;

  void start();
  /// The number; when it was never started it runs now. Once.
  base::Task<contract::Result<std::int64_t>> wait();

 private:
  base::Task<void> run();

  Call& call_;
  Operation& operation_;
  const query::Request& count_;
  engines::Cancellation& cancellation_;
  std::vector<std::string> sql_;
  std::optional<contract::Result<std::int64_t>> result_;
  bool started_ = false;
  bool ended_ = false;  // nothing of the coroutine is left
  base::Completion<int> waiter_;
};

/// Runs a query::Count.
base::Task<contract::Result<std::int64_t>> count_rows(engines::QueryBackend& backend,
                                                      const query::Request& count,
                                                      const engines::ExecutionContext& context);
/// Runs a SELECT of the caller whose one cell is a number.
base::Task<contract::Result<std::int64_t>> count_rows(engines::RawBackend& backend,
                                                      const query::RawText& text,
                                                      const engines::ExecutionContext& context);

}  // namespace athena::api
