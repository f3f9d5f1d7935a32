#pragma once

#include <optional>
#include <string_view>

#include "api/context.h"
#include "http/message.h"

namespace athena::api {

/// Who the caller is, and what it called: the connection's own facts, or what a trusted proxy says with
/// X-Forwarded-For, -Proto, -Host and X-Real-IP. From all others these headers are ignored. Each answer is
/// worked out when it is asked for; nothing is allocated. Refers to the request and the settings, and its
/// texts point into them. Conventions 3 and 9.
class Forwarded {
 public:
  Forwarded(const http::Request& request, const ApiSettings& settings);

  /// The peer may say who it speaks for.
  [[nodiscard]] bool by_trusted_proxy() const { return trusted_; }
  /// The right-most entry of X-Forwarded-For that is no trusted proxy itself, else X-Real-IP, else the peer
  /// (`unix` on a socket file). An entry that is no address ends the search.
  [[nodiscard]] std::string_view client_address();
  /// Host as the caller sent it, with its port; empty when there was none.
  [[nodiscard]] std::string_view host();
  /// The caller's connection is encrypted.
  [[nodiscard]] bool https();

 private:
  void read_chain();
  [[nodiscard]] std::string_view entry(std::string_view header);

  const http::Request& request_;
  const ApiSettings& settings_;
  bool trusted_ = false;
  bool chain_read_ = false;
  std::size_t proxies_ = 0;  // of X-Forwarded-For, behind the caller's own entry
  std::string_view caller_;  // that entry
};

}  // namespace athena::api
