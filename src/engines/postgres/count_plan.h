#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engines/sql/statement.h"
#include "query/row_sink.h"

namespace athena::postgres {

/// Makes of a compiled count an EXPLAIN of the rows that it would count. For Executor.
void explain_count(sql::Plan& plan);

/// Takes the answer to EXPLAIN (FORMAT JSON).
class PlannedRows final : public query::RowSink {
 public:
  void begin(const query::RowShape& shape, query::RowSource& source) override;
  query::RowFlow row(std::span<const query::Cell> cells) override;
  bool restart() override;
  /// The planner's number of rows; empty when the answer cannot be read.
  [[nodiscard]] std::optional<std::int64_t> rows() const;

 private:
  std::string json_;
};

/// Gives a sink the one row of a count.
void push_count(std::int64_t rows, query::RowSink& sink);

}  // namespace athena::postgres
