#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>

namespace athena::http {
namespace {

// Forward secrecy and authenticated encryption only; TLS 1.3 has no others.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

/// Why OpenSSL refused, as words; its numbers and file names help nobody.
std::string last_reason() {
  std::string text;
  while (const auto code = ERR_get_error()) {
    if (const char* reason = ERR_reason_error_string(code); reason != nullptr) text = reason;
  }
  return text.empty() ? "no reason given" : text;
}

/// An error text unless the file can be opened for reading.
std::string unreadable(const char* key, const std::string& path) {
  if (path.empty()) return std::string(key) + " is empty: certificate and key are needed together.";
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return std::string(key) + ": cannot read " + path + ": " + std::strerror(errno) + ".";
  std::fclose(file);
  return {};
}

int no_password(char*, int, int, void*) {
  return -1;  // OpenSSL would ask on the terminal
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  const std::string_view list(reinterpret_cast<const char*>(offered), offered_size);
  for (std::size_t at = 0; at < list.size();) {
    const auto size = static_cast<unsigned char>(list[at]);
    if (list.substr(at + 1, size) == "http/1.1") {
      *out = offered + at + 1;
      *out_size = size;
      return SSL_TLSEXT_ERR_OK;
    }
    at += 1U + size;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

/// The socket as OpenSSL sees it. Its own BIO would raise SIGPIPE, and cannot be told that more follows.
struct TlsSocket {
  static TlsChannel& channel(BIO* bio) { return *static_cast<TlsChannel*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* data, int size) {
    auto& self = channel(bio);
    BIO_clear_retry_flags(bio);
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (self.more_ ? MSG_MORE : 0);
    for (;;) {
      const auto count = ::send(self.descriptor_, data, static_cast<std::size_t>(size), flags);
      if (count >= 0) return static_cast<int>(count);
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        BIO_set_retry_write(bio);
      } else {
        self.socket_error_ = errno;
      }
      return -1;
    }
  }

  static int read(BIO* bio, char* data, int size) {
    auto& self = channel(bio);
    BIO_clear_retry_flags(bio);
    for (;;) {
      const auto count = ::recv(self.descriptor_, data, static_cast<std::size_t>(size), MSG_DONTWAIT);
      if (count > 0) return static_cast<int>(count);
      if (count == 0) {
        self.at_end_ = true;
        return 0;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        BIO_set_retry_read(bio);
      } else {
        self.socket_error_ = errno;
      }
      return -1;
    }
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return channel(bio).at_end_ ? 1 : 0;
    return 0;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const instance = [] {
      auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "athena socket");
      BIO_meth_set_write(made, &TlsSocket::write);
      BIO_meth_set_read(made, &TlsSocket::read);
      BIO_meth_set_ctrl(made, &TlsSocket::control);
      return made;
    }();
    return instance;
  }
};

base::Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::load(const std::string& cert_file,
                                                                              const std::string& key_file) {
  if (auto error = unreadable("api.tls_cert_file", cert_file); !error.empty()) return error;
  if (auto error = unreadable("api.tls_key_file", key_file); !error.empty()) return error;
  ERR_clear_error();
  auto* raw = SSL_CTX_new(TLS_server_method());
  if (raw == nullptr) return "TLS cannot be set up: " + last_reason() + ".";
  std::shared_ptr<const TlsContext> context(new TlsContext(raw));
  SSL_CTX_set_default_passwd_cb(raw, &no_password);
  if (SSL_CTX_use_certificate_chain_file(raw, cert_file.c_str()) != 1) {
    return "api.tls_cert_file: " + cert_file + " holds no usable certificate in PEM form (" + last_reason() +
           ").";
  }
  if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const auto reason = ERR_GET_REASON(ERR_peek_last_error());
    const auto text = last_reason();
    if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) {
      return "api.tls_key_file: " + key_file + " is not the key of the certificate in " + cert_file + ".";
    }
    return "api.tls_key_file: " + key_file + " holds no usable private key in PEM form without a password (" +
           text + ").";
  }
  if (SSL_CTX_check_private_key(raw) != 1) {
    ERR_clear_error();
    return "api.tls_key_file: " + key_file + " is not the key of the certificate in " + cert_file + ".";
  }
  if (SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(raw, kTls12Ciphers) != 1) {
    return "TLS cannot be set up: " + last_reason() + ".";
  }
  // A connection that ends without close_notify ends like a plain one: lengths and chunks say what is whole.
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_PRIORITIZE_CHACHA);
  // Tickets carry the sessions, so shards share no table of them. Without AUTO_RETRY a flood of records
  // without data cannot hold the shard.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(
      raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_alpn_select_cb(raw, &choose_protocol, nullptr);
  return context;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

TlsChannel::TlsChannel(const TlsContext& context, int descriptor) : descriptor_(descriptor) {
  ssl_ = SSL_new(context.get());
  auto* bio = ssl_ == nullptr ? nullptr : BIO_new(TlsSocket::method());
  if (bio == nullptr) {
    SSL_free(ssl_);
    throw std::bad_alloc();
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
}

TlsChannel::~TlsChannel() {
  SSL_free(ssl_);
}

TlsChannel::Handshake TlsChannel::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return Handshake::done;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Handshake::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return Handshake::wants_write;
    default:
      broken_ = true;
      return Handshake::failed;
  }
}

ssize_t TlsChannel::outcome(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      errno = socket_error_ != 0 ? socket_error_ : ECONNRESET;
      return -1;
    default:
      broken_ = true;
      errno = EPROTO;
      return -1;
  }
}

ssize_t TlsChannel::read(char* data, std::size_t size) {
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl_, data, size, &count);
  return result == 1 ? static_cast<ssize_t>(count) : outcome(result);
}

ssize_t TlsChannel::write(const char* data, std::size_t size, bool more) {
  ERR_clear_error();
  more_ = more || size > SSL3_RT_MAX_PLAIN_LENGTH;
  std::size_t count = 0;
  const int result = SSL_write_ex(ssl_, data, size, &count);
  more_ = false;
  if (result == 1) return static_cast<ssize_t>(count);
  // a failed send behind the peer's close_notify is reported as that
  const auto failed = outcome(result);
  if (failed == 0) {
    broken_ = true;
    errno = EPIPE;
  }
  return -1;
}

std::size_t TlsChannel::pending() const {
  return static_cast<std::size_t>(SSL_pending(ssl_));
}

bool TlsChannel::send_close() {
  if (broken_ || close_sent_) return true;
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_);
  if (result < 0 && SSL_get_error(ssl_, result) == SSL_ERROR_WANT_WRITE) return false;
  close_sent_ = true;
  return true;
}

}  // namespace athena::http
