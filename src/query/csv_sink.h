#pragma once

#include <string>
#include <vector>

#include "query/text_row_sink.h"

namespace athena::query {

/// Writes rows as CSV (RFC 4180): CRLF, a header line in begin(), also without rows. NULL is an empty field,
/// an empty text `""`, nested values are their JSON text. Values look as in JSON, without the quotes of
/// strings.
class CsvRowSink final : public TextRowSink {
 public:
  /// `snake_case_keys` as for JsonRowOptions.
  CsvRowSink(base::Buffer& out, bool snake_case_keys) : TextRowSink(out), snake_case_keys_(snake_case_keys) {}
  void begin(const RowShape& shape, RowSource& source) override;
  RowFlow row(std::span<const Cell> cells) override;
  bool restart() override;

 private:
  void append_field(const Cell& cell);
  void append_rendered(const Cell& cell);

  bool snake_case_keys_;
  bool has_header_ = false;
  std::vector<std::uint16_t> columns_;  // the visible ones
  base::Buffer scratch_;
  std::string text_;
};

}  // namespace athena::query
