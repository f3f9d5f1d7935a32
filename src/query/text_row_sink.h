#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/buffer.h"
#include "query/row_sink.h"

namespace athena::query {

/// What sinks share that write rows as text into a buffer which belongs to somebody else (usually the reply's
/// body) and may be sent on while rows arrive.
class TextRowSink : public RowSink {
 public:
  /// Called after a row when the buffer has at least so many bytes more than at the last call; sends it on
  /// (the buffer is empty afterwards) and says how to go on. While it was never called, restart() works.
  using FlushFunction = std::function<RowFlow()>;

  explicit TextRowSink(base::Buffer& out) : out_(out), start_(out.size()) {}
  /// From `first_bytes` on, and then from `next_bytes` on, `flush` is called.
  void stream_with(FlushFunction flush, std::size_t first_bytes, std::size_t next_bytes);
  /// Rows beyond `max_rows` are counted, not written.
  void limit_rows(std::int64_t max_rows) { max_rows_ = max_rows; }
  /// Fails the result (overflowed() is then true, rows stop) when the buffer passes this size; for replies
  /// that cannot stream.
  void limit_bytes(std::size_t max_bytes);

  /// Wakes the engine after a `pause` that flush returned; called on the shard when the connection has
  /// drained.
  void resume();
  [[nodiscard]] std::int64_t rows_written() const { return rows_; }
  /// With the rows beyond limit_rows().
  [[nodiscard]] std::int64_t rows_seen() const { return seen_; }
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] bool streaming() const { return streamed_; }

 protected:
  /// After each row that was written: the limit on bytes, the flush.
  RowFlow row_written() { return out_.size() < check_at_ ? RowFlow::more : check_size(); }
  /// Empties the buffer down to where the rows began and forgets the rows; false when bytes have left.
  bool take_back();

  base::Buffer& out_;
  RowSource* source_ = nullptr;
  std::size_t start_;  // size of out_ before the first row
  std::int64_t max_rows_ = INT64_MAX;
  std::int64_t rows_ = 0;
  std::int64_t seen_ = 0;
  bool overflowed_ = false;

 private:
  RowFlow check_size();
  void set_check();

  FlushFunction flush_;
  std::size_t check_at_ = SIZE_MAX;  // the size from which on there is something to do
  std::size_t flush_at_ = 0;
  std::size_t next_bytes_ = 0;
  std::size_t max_bytes_ = 0;  // 0 = none
  bool streamed_ = false;
};

}  // namespace athena::query
