#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>

#include "query/row_sink.h"

namespace athena::postgres {

/// Between a call's statement and its receiver: says what form the result has, and takes the columns away
/// that are Athena's own.
class FunctionSink final : public query::RowSink {
 public:
  explicit FunctionSink(query::RowSink& receiver) : receiver_(receiver) {}
  /// What the next statement returns. `columns` is what the receiver sees; with `counted` the last column is
  /// the number of rows, and the one before it is null in a row that is none. With `head` there is only the
  /// number.
  struct Expected {
    std::span<const query::OutputColumn> columns;
    query::RowShape::Form form = query::RowShape::Form::rows;
    bool counted = false;
    bool head = false;
  };
  void expect(const Expected& expected) { expected_ = expected; }

  void begin(const query::RowShape& /*shape*/, query::RowSource& source) override {
    begun_ = true;
    shape_ = {expected_.columns, {}, expected_.form};
    receiver_.begin(shape_, source);
  }
  query::RowFlow row(std::span<const query::Cell> cells) override {
    if (expected_.counted) {
      read_total(cells.back());
      if (expected_.head || cells[cells.size() - 2].format == nullptr) return query::RowFlow::more;
      cells = cells.first(cells.size() - 2);
    }
    ++rows_;
    return receiver_.row(cells);
  }
  bool restart() override {
    rows_ = 0;
    total_.reset();
    return !begun_ || receiver_.restart();
  }
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::optional<std::int64_t> total() const { return total_; }

 private:
  void read_total(const query::Cell& cell) {
    std::int64_t number = 0;
    const auto* const end = cell.text.data() + cell.text.size();
    if (std::from_chars(cell.text.data(), end, number).ptr == end) total_ = number;
  }

  query::RowSink& receiver_;
  Expected expected_;
  query::RowShape shape_;
  std::optional<std::int64_t> total_;
  std::int64_t rows_ = 0;
  bool begun_ = false;
};

}  // namespace athena::postgres
