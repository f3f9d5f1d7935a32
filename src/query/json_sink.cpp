#include "query/json_sink.h"

#include <cstring>
#include <memory_resource>
#include <unordered_map>

#include "base/json_writer.h"
#include "query/parse.h"

namespace athena::query {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::string_view kPadding = "                ";
static_assert(kPadding.size() == kBlock);

/// Output keys of all columns in snake_case. Visible ones that would become equal keep their spelling.
std::vector<std::string> snake_case_keys(const RowShape& shape) {
  std::vector<std::string> keys;
  std::unordered_map<std::string, int> uses;
  for (const auto& column : shape.columns) {
    std::pmr::monotonic_buffer_resource memory;
    keys.emplace_back(to_snake_case(column.name, memory));
    if (!column.hidden) ++uses[keys.back()];
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!shape.columns[i].hidden && uses[keys[i]] > 1) keys[i] = shape.columns[i].name;
  }
  return keys;
}

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

}  // namespace

JsonRowSink::JsonRowSink(base::Buffer& out, JsonRowOptions options)
    : out_(out), options_(options), start_(out.size()) {}

void JsonRowSink::stream_with(FlushFunction flush, std::size_t first_bytes, std::size_t next_bytes) {
  flush_ = std::move(flush);
  flush_at_ = first_bytes;
  next_bytes_ = next_bytes;
}

void JsonRowSink::begin(const RowShape& shape, RowSource& source) {
  source_ = &source;
  if (rows_ == 0) start_ = out_.size();
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
  std::vector<std::string> snake_case;
  if (options_.snake_case_keys) snake_case = snake_case_keys(shape);
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    if (shape.columns[i].hidden) continue;
    Field field;
    field.key = static_cast<std::uint32_t>(keys_.size());
    field.column = static_cast<std::uint16_t>(i);
    keys_.push_back(',');
    base::append_json_string(keys_,
                             snake_case.empty() ? shape.columns[i].name : std::string_view(snake_case[i]));
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
        append_cell(out_, cell.text, *cell.format);
      }
    }
  }
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
  if (rows_ != 0) out_.push_back(',');
  ++rows_;
  // Every field brings a comma; that of the first becomes the brace.
  const std::size_t begin = out_.size();
  append_fields(cells);
  if (out_.size() == begin) {
    out_.push_back('{');
  } else {
    out_.data()[begin] = '{';
  }
  out_.push_back('}');

  if (max_bytes_ != 0 && out_.size() > max_bytes_) {
    overflowed_ = true;
    return RowFlow::stop;
  }
  if (!flush_ || out_.size() < flush_at_) return RowFlow::more;
  streamed_ = true;
  const RowFlow flow = flush_();
  flush_at_ = out_.size() + next_bytes_;
  return flow;
}

bool JsonRowSink::restart() {
  if (streamed_) return false;
  out_.truncate(start_);
  ids_.clear();
  rows_ = 0;
  seen_ = 0;
  overflowed_ = false;
  return true;
}

void JsonRowSink::resume() {
  if (source_ != nullptr) source_->resume();
}

}  // namespace athena::query
