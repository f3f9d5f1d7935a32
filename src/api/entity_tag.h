#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace athena::api {

/// A weak entity tag of that text: `W/"…"`, 32 hex digits of its SHA-256.
std::string weak_entity_tag(std::string_view text);
/// Whether an If-None-Match of the request names `tag`, by weak comparison, or is `*`. Only for GET and HEAD.
bool has_current(const http::Request& request, std::string_view tag);

}  // namespace athena::api
