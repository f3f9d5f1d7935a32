#include "engines/postgres/transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace athena::postgres {
namespace {
constexpr std::size_t kMaxCall = 1U << 30;  // OpenSSL counts in int

Transport::Result socket_result(ssize_t returned, bool reading) {
  using Status = Transport::Result::Status;
  if (returned > 0) return {Status::done, static_cast<std::size_t>(returned)};
  if (returned == 0 && reading) return {Status::closed, 0};
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return {later ? Status::would_block : Status::closed, 0};
}
}  // namespace

Transport::Result Transport::read(char* into, std::size_t capacity) {
  if (ssl_ == nullptr) return socket_result(::recv(socket_, into, capacity, 0), true);
  ERR_clear_error();
  return ssl_result(SSL_read(ssl_, into, static_cast<int>(std::min(capacity, kMaxCall))), true);
}

Transport::Result Transport::write(const char* from, std::size_t size) {
  if (ssl_ == nullptr) return socket_result(::send(socket_, from, size, MSG_NOSIGNAL), false);
  ERR_clear_error();
  return ssl_result(SSL_write(ssl_, from, static_cast<int>(std::min(size, kMaxCall))), false);
}

Transport::Result Transport::ssl_result(int returned, bool reading) {
  using Status = Result::Status;
  if (returned > 0) return {Status::done, static_cast<std::size_t>(returned)};
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      return {reading ? Status::would_block : Status::wants_other, 0};
    case SSL_ERROR_WANT_WRITE:
      return {reading ? Status::wants_other : Status::would_block, 0};
    default:
      ERR_clear_error();
      return {Status::closed, 0};
  }
}

}  // namespace athena::postgres
