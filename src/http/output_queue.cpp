#include "http/output_queue.h"

namespace athena::http {
namespace {

constexpr std::size_t kCopyUpTo = 16 * 1024;  // above it a second piece is cheaper than the copy
constexpr std::size_t kPieceUpTo = 64 * 1024;

}  // namespace

OutputQueue::Piece& OutputQueue::open_piece() {
  if (pieces_.size() == first_ || !pieces_.back().open || pieces_.back().data.size() >= kPieceUpTo) {
    auto& piece = pieces_.emplace_back();
    piece.data = pools_.blocks.take();
    piece.open = true;
  }
  return pieces_.back();
}

void OutputQueue::append(std::string_view text) {
  if (text.empty()) return;
  open_piece().data.append(text);
  pending_ += text.size();
}

void OutputQueue::append(base::Buffer& data) {
  if (data.size() <= kCopyUpTo) {
    append(data.view());
    data.clear();
    return;
  }
  pending_ += data.size();
  auto& piece = pieces_.emplace_back();
  piece.data.swap(data);
  data = pools_.bodies.take();
}

std::size_t OutputQueue::gather(std::span<iovec> pieces) const {
  std::size_t count = 0;
  for (auto index = first_; index < pieces_.size() && count < pieces.size(); ++index) {
    const auto& piece = pieces_[index];
    auto* data = const_cast<char*>(piece.data.data()) + piece.sent;  // iovec has no const form
    pieces[count++] = {data, piece.data.size() - piece.sent};
  }
  return count;
}

void OutputQueue::sent(std::size_t bytes) {
  pending_ -= bytes;
  while (bytes > 0) {
    auto& piece = pieces_[first_];
    const auto left = piece.data.size() - piece.sent;
    if (bytes < left) {
      piece.sent += bytes;
      return;
    }
    bytes -= left;
    give_back(piece);
    ++first_;
  }
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
  } else if (first_ >= 64) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputQueue::give_back(Piece& piece) {
  (piece.open ? pools_.blocks : pools_.bodies).give(std::move(piece.data));
}

void OutputQueue::clear() {
  for (auto index = first_; index < pieces_.size(); ++index) give_back(pieces_[index]);
  pieces_.clear();
  first_ = 0;
  pending_ = 0;
}

}  // namespace athena::http
