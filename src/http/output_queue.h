#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "http/buffer_pool.h"

namespace athena::http {

/// Bytes on their way to a socket. Small texts are copied together, so that a head and its body, or the
/// replies of pipelined requests, go out in one call; large bodies are taken over without a copy.
class OutputQueue {
 public:
  explicit OutputQueue(BufferPools& pools) : pools_(pools) {}
  ~OutputQueue() { clear(); }
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;

  [[nodiscard]] std::size_t pending() const { return pending_; }
  void append(std::string_view text);
  /// Lets `write(buffer)` append small text in place.
  template <class Write>
  void write(Write&& write) {
    auto& buffer = open_piece().data;
    const auto before = buffer.size();
    write(buffer);
    pending_ += buffer.size() - before;
  }
  /// Takes the content of `data`, which is empty afterwards.
  void append(base::Buffer& data);
  /// The first pieces that are not sent yet; returns how many of `pieces` were filled.
  std::size_t gather(std::span<iovec> pieces) const;
  /// The first `bytes` were taken by the socket.
  void sent(std::size_t bytes);
  void clear();

 private:
  struct Piece {
    base::Buffer data;
    std::size_t sent = 0;
    bool open = false;  ///< more small text may be appended
  };
  Piece& open_piece();
  void give_back(Piece& piece);

  BufferPools& pools_;
  std::vector<Piece> pieces_;
  std::size_t first_ = 0;  // pieces before it are sent
  std::size_t pending_ = 0;
};

}  // namespace athena::http
