#include "query/json_sink.h"

#include <algorithm>
#include <cstring>

#include "base/json_writer.h"
#include "query/output_keys.h"

namespace athena::query {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::string_view kPadding = "                ";
static_assert(kPadding.size() == kBlock);

/// Whether the row's member reads null: SQL NULL, or the null of a json column.
bool is_null(const Cell& cell) {
  return cell.format == nullptr || cell.format->kind == ValueFormat::Kind::null ||
         (cell.format->kind == ValueFormat::Kind::json && cell.text == "null");
}

/// Copies whole blocks, so up to 15 bytes more than `size`.
inline void copy_blocks(char* to, const char* from, std::size_t size) {
  for (std::size_t done = 0; done < size; done += kBlock) std::memcpy(to + done, from + done, kBlock);
}

/// memcpy for texts that are mostly shorter than a function call is worth.
inline void copy_short(char* to, const char* from, std::size_t size) {
  if (size > 2 * sizeof(std::uint64_t)) {
    std::memcpy(to, from, size);
  } else if (size >= sizeof(std::uint64_t)) {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::memcpy(&head, from, sizeof head);
    std::memcpy(&tail, from + size - sizeof tail, sizeof tail);
    std::memcpy(to, &head, sizeof head);
    std::memcpy(to + size - sizeof tail, &tail, sizeof tail);
  } else {
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

/// In valid JSON raw line breaks stand between tokens only, so a space does as well.
void replace_line_breaks(char* begin, char* end) {
  if (begin == end || *begin == '"') return;
  std::replace_if(begin, end, [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

}  // namespace

void JsonRowSink::begin(const RowShape& shape, RowSource& source) {
  source_ = &source;
  if (rows_ == 0) start_ = out_.size();
  bare_values_ = shape.form == RowShape::Form::values || shape.form == RowShape::Form::value;
  make_keys(shape);
  id_columns_.assign(shape.resource_id.begin(), shape.resource_id.end());
  id_keys_.clear();
  if (id_columns_.size() < 2) return;
  for (const auto column : id_columns_)
    id_keys_.push_back(base::json_string(shape.columns[column].name) + ":");
}

void JsonRowSink::make_keys(const RowShape& shape) {
  fields_.clear();
  keys_.clear();
  const auto names = output_keys(shape, options_.snake_case_keys);
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    if (shape.columns[i].hidden) continue;
    Field field;
    field.key = static_cast<std::uint32_t>(keys_.size());
    field.column = static_cast<std::uint16_t>(i);
    keys_.push_back(',');
    base::append_json_string(keys_, names[i]);
    keys_.push_back(':');
    field.key_size = static_cast<std::uint32_t>(keys_.size()) - field.key;
    fields_.push_back(field);
  }
  keys_.append(kPadding);
}

void JsonRowSink::append_fields(std::span<const Cell> cells) {
  for (const Field& field : fields_) {
    const Cell& cell = cells[field.column];
    if (options_.strip_nulls && is_null(cell)) continue;
    const std::size_t plain =
        cell.format != nullptr && cell.format->kind == ValueFormat::Kind::number ? cell.text.size() : 4;
    char* to = out_.reserve_tail(field.key_size + kBlock + plain);
    copy_blocks(to, keys_.data() + field.key, field.key_size);
    to += field.key_size;
    if (cell.format == nullptr) {
      std::memcpy(to, "null", 4);
      out_.commit(field.key_size + 4);
    } else if (cell.format->kind == ValueFormat::Kind::number) {
      copy_short(to, cell.text.data(), plain);
      out_.commit(field.key_size + plain);
    } else {
      out_.commit(field.key_size);
      if (cell.format->kind == ValueFormat::Kind::string) {
        base::append_json_string(out_, cell.text);
      } else {
        append_other(cell);
      }
    }
  }
}

void JsonRowSink::append_other(const Cell& cell) {
  const std::size_t begin = out_.size();
  append_cell(out_, cell.text, *cell.format);
  if (options_.lines) replace_line_breaks(out_.data() + begin, out_.data() + out_.size());
}

void JsonRowSink::append_value(std::span<const Cell> cells) {
  const Cell* cell = fields_.empty() ? nullptr : &cells[fields_.front().column];
  if (cell == nullptr || cell->format == nullptr) {
    out_.append("null");
  } else {
    append_other(*cell);
  }
}

void JsonRowSink::append_object(std::span<const Cell> cells) {
  // Every field brings a comma; that of the first becomes the brace.
  const std::size_t begin = out_.size();
  append_fields(cells);
  if (out_.size() == begin) {
    out_.push_back('{');
  } else {
    out_.data()[begin] = '{';
  }
  out_.push_back('}');
}

void JsonRowSink::append_id(std::span<const Cell> cells) {
  if (!ids_.empty()) ids_.push_back(',');
  if (id_columns_.empty()) {
    ids_.append("null");
    return;
  }
  for (std::size_t i = 0; i < id_columns_.size(); ++i) {
    if (!id_keys_.empty()) {
      ids_.push_back(i == 0 ? '{' : ',');
      ids_.append(id_keys_[i]);
    }
    const Cell& cell = cells[id_columns_[i]];
    if (cell.format == nullptr) {
      ids_.append("null");
    } else {
      append_cell(ids_, cell.text, *cell.format);
    }
  }
  if (!id_keys_.empty()) ids_.push_back('}');
}

RowFlow JsonRowSink::row(std::span<const Cell> cells) {
  if (overflowed_) return RowFlow::stop;
  ++seen_;
  if (collect_ids_) append_id(cells);
  if (rows_ >= max_rows_) return RowFlow::more;
  if (rows_ != 0 && !options_.lines) out_.push_back(',');
  ++rows_;
  if (bare_values_) {
    append_value(cells);
  } else {
    append_object(cells);
  }
  if (options_.lines) out_.push_back('\n');
  return row_written();
}

bool JsonRowSink::restart() {
  if (!take_back()) return false;
  ids_.clear();
  return true;
}

}  // namespace athena::query
