#include "query/csv_sink.h"

#include "query/csv_field.h"
#include "query/json_text.h"
#include "query/output_keys.h"

namespace athena::query {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

}  // namespace

void CsvRowSink::begin(const RowShape& shape, RowSource& source) {
  source_ = &source;
  columns_.clear();
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    if (!shape.columns[i].hidden) columns_.push_back(static_cast<std::uint16_t>(i));
  }
  if (rows_ != 0) return;
  if (has_header_) {
    out_.truncate(start_);
  } else {
    start_ = out_.size();
  }
  has_header_ = true;
  const auto names = output_keys(shape, snake_case_keys_);
  bool first = true;
  for (const auto column : columns_) {
    if (!first) out_.push_back(',');
    first = false;
    append_csv_field(out_, names[column]);
  }
  out_.append(kLineEnd);
}

void CsvRowSink::append_rendered(const Cell& cell) {
  scratch_.clear();
  append_cell(scratch_, cell.text, *cell.format);
  const std::string_view json = scratch_.view();
  append_csv_field(out_, json.starts_with('"') ? json_string_text(json, text_) : json);
}

void CsvRowSink::append_field(const Cell& cell) {
  if (cell.format == nullptr) return;
  switch (cell.format->kind) {
    case ValueFormat::Kind::null:
      return;
    case ValueFormat::Kind::number:
      return out_.append(cell.text);
    case ValueFormat::Kind::boolean_tf:
      return out_.append(cell.text.starts_with('t') ? "true" : "false");
    case ValueFormat::Kind::string:
    case ValueFormat::Kind::json:
      return append_csv_field(out_, cell.text);
    case ValueFormat::Kind::custom:
      return append_rendered(cell);
  }
}

RowFlow CsvRowSink::row(std::span<const Cell> cells) {
  if (overflowed_) return RowFlow::stop;
  ++seen_;
  if (rows_ >= max_rows_) return RowFlow::more;
  ++rows_;
  bool first = true;
  for (const auto column : columns_) {
    if (!first) out_.push_back(',');
    first = false;
    append_field(cells[column]);
  }
  out_.append(kLineEnd);
  return row_written();
}

bool CsvRowSink::restart() {
  if (!take_back()) return false;
  has_header_ = false;
  return true;
}

}  // namespace athena::query
