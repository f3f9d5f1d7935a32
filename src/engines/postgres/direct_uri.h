#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "contract/error.h"

namespace athena::postgres {

/// A PostgreSQL URI that a caller sent, taken apart. Holds secrets; never logged, never in an error.
struct DirectUri {
  std::string host;  ///< as written, percent escapes read; an IPv6 address has its brackets
  std::uint16_t port = 5432;
  std::string user, password, database;
  std::string sslmode;                            ///< empty = prefer
  std::string application_name, channel_binding;  ///< empty = not given
  int connect_timeout_seconds = 0;                ///< 0 = not given
};

/// Takes `postgres://`, `postgresql://` and `jdbc:postgresql://`, one host, and the parameters user,
/// password, sslmode, application_name, connect_timeout and channel_binding. `header` names the header in
/// errors: invalid_value for what is malformed or not allowed, invalid_payload without host or user,
/// target_not_allowed for socket paths. No error holds any part of the text. Nothing comes from the
/// environment or from files. Any thread.
contract::Result<DirectUri> parse_direct_uri(std::string_view header, std::string_view text);

/// The connection text of a URI whose host was pinned to `address`: key=value, everything spelled out, so
/// that two URIs that mean the same give the same text. Holds the password.
std::string pinned_connection_text(const DirectUri& uri, std::string_view host, std::string_view address);

}  // namespace athena::postgres
