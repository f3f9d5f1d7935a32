#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "http/exchange.h"
#include "services/auth/rights.h"

namespace athena::api {

/// One right that a request needed, and the one before it.
struct RightNote {
  auth::RequiredRight right;
  const RightNote* next;
};

/// What a request leaves behind for the records that are made when its reply is done: it outlives the handler
/// and its Call, and ends with the exchange. In the exchange's memory.
struct RequestNotes {
  // ---- set by stage 2; the key itself may be gone before the record is made ----
  std::array<char, 16> key_public_id{};  ///< of the presented key when it is known to the snapshot
  bool has_key_public_id = false;
  bool authenticated = false, authorized = false, enforced = false;
  std::string_view auth_reason;   ///< a value of failure_reason; static text
  std::string_view auth_outcome;  ///< allowed, denied, unenforced; empty = the route looks at no credential
  std::int64_t key_row_id = 0;    ///< of that key; 0 = unknown
  std::array<char, 36> key_id{};  ///< its uuid; zeros = unknown
  /// The credential as it was sent, for its fingerprint and nothing else.
  std::string_view presented;
  const RightNote* required = nullptr;  ///< what the request needed, the last one first

  // ---- set by stage 7 ----
  static constexpr std::uint8_t kNoEngine = 0xFF;
  std::uint8_t engine = kNoEngine;  ///< of the client, once one is found: contract::Engine

  /// The notes of this exchange, made on first use.
  static RequestNotes& of(http::Exchange& exchange);
  /// Null when nothing noted anything.
  static const RequestNotes* find(const http::Exchange& exchange) {
    return static_cast<const RequestNotes*>(exchange.notes);
  }
};

}  // namespace athena::api
