#pragma once

#include <cstddef>
#include <cstdint>

struct ssl_st;

namespace athena::postgres {

/// Non-blocking reads and writes on a connected socket, plain or through OpenSSL.
class Transport {
 public:
  Transport(int socket, ssl_st* ssl) : socket_(socket), ssl_(ssl) {}

  struct Result {
    enum class Status : std::uint8_t { done, would_block, wants_other, closed };
    Status status;      ///< wants_other: a read that needs to write first, or a write that needs to read
    std::size_t bytes;  ///< moved; 0 unless done
  };
  Result read(char* into, std::size_t capacity);
  Result write(const char* from, std::size_t size);
  /// True when a read shorter than its capacity proves that nothing is left for now.
  [[nodiscard]] bool short_read_is_all() const { return ssl_ == nullptr; }

 private:
  Result ssl_result(int returned, bool reading);

  int socket_;
  ssl_st* ssl_;
};

}  // namespace athena::postgres
