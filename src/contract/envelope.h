#pragma once

#include <string_view>

#include "base/buffer.h"
#include "contract/error.h"

namespace athena::contract {

struct ErrorEnvelope {
  std::string_view request_id;
  std::string_view operation;  ///< empty before a route was matched
  bool terse = false;          ///< gateway.error_verbosity
  bool sentence_as_message = false;
};

/// Appends the failure reply of the contract for `error`.
void append_error(base::Buffer& out, const Error& error, const ErrorEnvelope& context);

/// Seconds for Retry-After, or 0 when the code's status asks for none.
std::uint32_t retry_after_seconds(const Error& error);

}  // namespace athena::contract
