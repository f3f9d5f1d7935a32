#include "query/text_row_sink.h"

#include <algorithm>
#include <utility>

namespace athena::query {

void TextRowSink::stream_with(FlushFunction flush, std::size_t first_bytes, std::size_t next_bytes) {
  flush_ = std::move(flush);
  flush_at_ = first_bytes;
  next_bytes_ = next_bytes;
  set_check();
}

void TextRowSink::limit_bytes(std::size_t max_bytes) {
  max_bytes_ = max_bytes;
  set_check();
}

void TextRowSink::set_check() {
  check_at_ = SIZE_MAX;
  if (flush_) check_at_ = flush_at_;
  if (max_bytes_ != 0) check_at_ = std::min(check_at_, max_bytes_);
}

RowFlow TextRowSink::check_size() {
  if (max_bytes_ != 0 && out_.size() > max_bytes_) {
    overflowed_ = true;
    return RowFlow::stop;
  }
  if (!flush_ || out_.size() < flush_at_) return RowFlow::more;
  streamed_ = true;
  const RowFlow flow = flush_();
  flush_at_ = out_.size() + next_bytes_;
  set_check();
  return flow;
}

bool TextRowSink::take_back() {
  if (streamed_) return false;
  out_.truncate(start_);
  rows_ = 0;
  seen_ = 0;
  overflowed_ = false;
  return true;
}

void TextRowSink::resume() {
  if (source_ != nullptr) source_->resume();
}

}  // namespace athena::query
