#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "query/row_sink.h"

namespace athena::query {

struct JsonRowOptions {
  bool strip_nulls = false;
  bool snake_case_keys = false;  ///< keys of returned rows go through to_snake_case
};

/// Writes rows as JSON objects, comma separated, into a buffer that belongs to somebody else (usually the
/// reply's body):
/// `{"id":1,"name":"Ada"},{"id":2,…}`. Keys are escaped once, in begin(). Rows beyond `max_rows` are counted,
/// not written.
class JsonRowSink : public RowSink {
 public:
  /// Called after a row when the buffer has at least `flush_bytes` more than at the last call; sends it on
  /// (the buffer is empty afterwards) and says how to go on. While it was never called, restart() works.
  using FlushFunction = std::function<RowFlow()>;

  JsonRowSink(base::Buffer& out, JsonRowOptions options);
  /// From `flush_bytes` on (256 KiB for the first call, 64 KiB after it) `flush` is called.
  void stream_with(FlushFunction flush, std::size_t first_bytes, std::size_t next_bytes);
  void limit_rows(std::int64_t max_rows) { max_rows_ = max_rows; }
  /// Fails the result (overflowed() is then true, rows stop) when the buffer passes this size; for replies
  /// that cannot stream.
  void limit_bytes(std::size_t max_bytes) { max_bytes_ = max_bytes; }

  void begin(const RowShape& shape, RowSource& source) override;
  RowFlow row(std::span<const Cell> cells) override;
  bool restart() override;

  /// Wakes the engine after a `pause` that flush returned; called on the shard when the connection has
  /// drained.
  void resume();
  [[nodiscard]] std::int64_t rows_written() const { return rows_; }
  /// With the rows beyond limit_rows().
  [[nodiscard]] std::int64_t rows_seen() const { return seen_; }
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] bool streaming() const { return streamed_; }
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
  void append_fields(std::span<const Cell> cells);
  void append_id(std::span<const Cell> cells);

  base::Buffer& out_;
  JsonRowOptions options_;
  FlushFunction flush_;
  RowSource* source_ = nullptr;
  std::vector<Field> fields_;
  base::Buffer keys_;
  std::vector<std::uint16_t> id_columns_;
  std::vector<std::string> id_keys_;  // `"name":` per id column, when there are several
  base::Buffer ids_;
  std::size_t start_ = 0;  // size of out_ before the first row
  std::size_t flush_at_ = 0;
  std::size_t next_bytes_ = 0;
  std::size_t max_bytes_ = 0;  // 0 = none
  std::int64_t max_rows_ = INT64_MAX;
  std::int64_t rows_ = 0;
  std::int64_t seen_ = 0;
  bool streamed_ = false;
  bool overflowed_ = false;
  bool collect_ids_ = false;
};

}  // namespace athena::query
