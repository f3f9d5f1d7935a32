#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "query/row_sink.h"
#include "query/text_row_sink.h"

namespace athena::query {

struct JsonRowOptions {
  bool strip_nulls = false;
  bool snake_case_keys = false;  ///< keys of returned rows go through to_snake_case
  /// NDJSON: each row ends with a line break instead of being separated by a comma; the line breaks of a
  /// stored JSON value become spaces.
  bool lines = false;
};

/// Writes rows as JSON objects, comma separated, into a buffer that belongs to somebody else (usually the
/// reply's body):
/// `{"id":1,"name":"Ada"},{"id":2,…}`. Keys are escaped once, in begin(). Where the shape's form is `values`
/// or `value`, a row is the value of its only visible column instead of an object.
class JsonRowSink final : public TextRowSink {
 public:
  JsonRowSink(base::Buffer& out, JsonRowOptions options) : TextRowSink(out), options_(options) {}

  void begin(const RowShape& shape, RowSource& source) override;
  RowFlow row(std::span<const Cell> cells) override;
  bool restart() override;

  /// JSON of the resource ids of all rows so far, comma separated: the value of a single key column in its
  /// own JSON type, an object for several. Collected only after collect_resource_ids().
  void collect_resource_ids() { collect_ids_ = true; }
  [[nodiscard]] const base::Buffer& resource_ids() const { return ids_; }

 private:
  /// A visible column and its `,"name":`, which stands in keys_ and may be copied in blocks of 16 bytes.
  struct Field {
    std::uint32_t key = 0;
    std::uint32_t key_size = 0;
    std::uint16_t column = 0;
  };

  void make_keys(const RowShape& shape);
  void append_object(std::span<const Cell> cells);
  void append_fields(std::span<const Cell> cells);
  void append_value(std::span<const Cell> cells);
  void append_other(const Cell& cell);
  void append_id(std::span<const Cell> cells);

  JsonRowOptions options_;
  std::vector<Field> fields_;
  base::Buffer keys_;
  std::vector<std::uint16_t> id_columns_;
  std::vector<std::string> id_keys_;  // `"name":` per id column, when there are several
  base::Buffer ids_;
  bool bare_values_ = false;
  bool collect_ids_ = false;
};

}  // namespace athena::query
