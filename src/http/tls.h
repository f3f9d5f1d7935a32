#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace athena::http {

/// A certificate with its private key, ready for connections: TLS 1.2 and 1.3, ALPN `http/1.1`, no
/// renegotiation. Immutable; any thread.
class TlsContext {
 public:
  /// Reads two PEM files: the certificate with its chain, and the key. Fails when one cannot be read, holds
  /// nothing usable, or when they do not belong together; the text is ready for the operator and shows paths,
  /// never content. Blocks on the files.
  static base::Result<std::shared_ptr<const TlsContext>, std::string> load(const std::string& cert_file,
                                                                           const std::string& key_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  [[nodiscard]] ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

/// The server's side of TLS over one non-blocking socket, which it does not own. read() and write() behave
/// like recv() and send(). Not movable: OpenSSL keeps its address. One thread.
class TlsChannel {
 public:
  TlsChannel(const TlsContext& context, int descriptor);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  enum class Handshake : std::uint8_t { done, wants_read, wants_write, failed };
  /// Goes on with the handshake. After `failed` the alert was sent as far as the socket took it.
  Handshake handshake();
  /// Bytes read; 0 at the end of the stream, with or without the peer's close_notify; −1 and errno: EAGAIN,
  /// EPROTO for what is not TLS, or the socket's error.
  ssize_t read(char* data, std::size_t size);
  /// Bytes taken (at most one record); −1 and errno. After EAGAIN the next write must begin with the same
  /// bytes. `more`: another write follows at once.
  ssize_t write(const char* data, std::size_t size, bool more);
  /// Bytes that read() gives without the socket; nobody will report the socket readable for them.
  [[nodiscard]] std::size_t pending() const;
  /// Sends close_notify. False when the socket must become writable first; true when it is sent, was sent
  /// before, or cannot be sent any more.
  bool send_close();

 private:
  friend struct TlsSocket;
  ssize_t outcome(int result);

  ssl_st* ssl_ = nullptr;
  int descriptor_;
  int socket_error_ = 0;
  bool more_ = false;
  bool at_end_ = false;
  bool broken_ = false;
  bool close_sent_ = false;
};

}  // namespace athena::http
