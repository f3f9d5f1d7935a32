// The part of a connection that exists on listeners with TLS only: its handshake.
#include <sys/socket.h>

#include <cerrno>
#include <new>

#include "http/connection.h"
#include "http/shard_server.h"

namespace athena::http {

/// Goes on with the handshake; true when it is complete.
bool Connection::shake_hands() {
  if (closing_) return false;
  if (!tls_) {
    char first = 0;
    const auto count = ::recv(descriptor(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      if (!waiting_read_) wait_readable();
      return false;
    }
    if (count <= 0) {
      close_now();
      return false;
    }
    const auto* context = server_->tls();
    if (context == nullptr) {  // switched off since the connection was accepted
      reader_.request().tls = handshaking_ = false;
      return true;
    }
    if (first >= 'A' && first <= 'Z') {  // a method, so plain HTTP; a TLS record begins with 0x16
      reader_.request().tls = handshaking_ = false;
      refuse(contract::Error(contract::ErrorCode::malformed_request,
                             "This port speaks TLS: the address begins with https."),
             "framing");
      process();
      return false;
    }
    try {
      tls_ = std::make_unique<TlsChannel>(*context, descriptor());
    } catch (const std::bad_alloc&) {
      close_now();
      return false;
    }
  }
  switch (tls_->handshake()) {
    case TlsChannel::Handshake::done:
      handshaking_ = false;
      return true;
    case TlsChannel::Handshake::wants_read:
      if (!waiting_read_) wait_readable();
      return false;
    case TlsChannel::Handshake::wants_write:
      if (!waiting_write_) wait_writable();
      return false;
    case TlsChannel::Handshake::failed:
      break;
  }
  server_->application().rejected("framing");
  framing_lost_ = closing_ = true;
  settle();
  return false;
}

}  // namespace athena::http
