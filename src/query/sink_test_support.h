#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "query/row_sink.h"

namespace athena::query {

inline void append_marked_string(base::Buffer& out, std::string_view raw, const ValueFormat& /*self*/) {
  base::append_json_string(out, "\\x" + std::string(raw));
}
inline void append_number_or_string(base::Buffer& out, std::string_view raw, const ValueFormat& /*self*/) {
  if (!raw.empty() && (raw[0] == '-' ? raw.size() > 1 && raw[1] <= '9' : raw[0] <= '9')) {
    out.append(raw);
  } else {
    base::append_json_string(out, raw);
  }
}
/// `2026-03-01 08:00` becomes `"2026-03-01T08:00"`.
inline void append_time_string(base::Buffer& out, std::string_view raw, const ValueFormat& /*self*/) {
  std::string text(raw);
  if (const auto space = text.find(' '); space != std::string::npos) text[space] = 'T';
  base::append_json_string(out, text);
}
inline void append_as_it_is(base::Buffer& out, std::string_view raw, const ValueFormat& /*self*/) {
  out.append(raw);
}

inline const ValueFormat kNullCell{.kind = ValueFormat::Kind::null};
inline const ValueFormat kNumberCell{.kind = ValueFormat::Kind::number};
inline const ValueFormat kBooleanCell{.kind = ValueFormat::Kind::boolean_tf};
inline const ValueFormat kStringCell{.kind = ValueFormat::Kind::string};
inline const ValueFormat kJsonCell{.kind = ValueFormat::Kind::json};
inline const ValueFormat kBytesCell{.kind = ValueFormat::Kind::custom, .append_json = append_marked_string};
inline const ValueFormat kNumericCell{.kind = ValueFormat::Kind::custom,
                                      .append_json = append_number_or_string};
inline const ValueFormat kTimeCell{.kind = ValueFormat::Kind::custom, .append_json = append_time_string};
inline const ValueFormat kNestedCell{.kind = ValueFormat::Kind::custom, .append_json = append_as_it_is};

inline Cell number(std::string_view text) {
  return {text, &kNumberCell};
}
inline Cell string(std::string_view text) {
  return {text, &kStringCell};
}
inline Cell json(std::string_view text) {
  return {text, &kJsonCell};
}
inline const Cell kSqlNullCell{};

class CountingSource : public RowSource {
 public:
  void resume() override { ++resumed; }
  int resumed = 0;
};

/// A sink under test with the columns it is given; a minus in front of a name makes the column hidden,
/// `name:type` gives it a type.
class SinkTest : public testing::Test {
 protected:
  void begin(RowSink& sink, const std::vector<std::string_view>& names,
             RowShape::Form form = RowShape::Form::rows) {
    columns_.clear();
    for (auto name : names) {
      OutputColumn column;
      column.hidden = name.starts_with('-');
      if (column.hidden) name.remove_prefix(1);
      const std::size_t colon = name.find(':');
      column.name = name.substr(0, colon);
      if (colon != std::string_view::npos) column.type_name = name.substr(colon + 1);
      columns_.push_back(column);
    }
    shape_ = {.columns = columns_, .resource_id = {}, .form = form};
    sink.begin(shape_, source_);
  }
  static RowFlow row(RowSink& sink, const std::vector<Cell>& cells) { return sink.row(cells); }
  [[nodiscard]] std::string text() const { return std::string(out_.view()); }

  base::Buffer out_;
  CountingSource source_;
  std::vector<OutputColumn> columns_;
  RowShape shape_;
};

}  // namespace athena::query
