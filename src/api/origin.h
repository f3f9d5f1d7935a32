#pragma once

#include <string_view>

#include "api/context.h"
#include "contract/error.h"
#include "http/message.h"

namespace athena::api {

/// What the Origin and Host rules say about a request, before anything runs.
struct OriginVerdict {
  bool allowed = true;
  bool cors = false;      ///< the Origin is one that CORS allows: reply headers are added
  std::string_view what;  ///< `Origin` or `Host`, whichever refused
};

/// `admin_path`: below /admin/ or /metrics, where no foreign origin is allowed unless api.cors_admin.
OriginVerdict check_origin(const http::Request& request, const ApiSettings& settings, bool keys_enforced,
                           bool admin_path);
/// Adds the CORS headers for an allowed origin; those of a preflight for OPTIONS.
void add_cors_headers(const http::Request& request, http::Response& response);

}  // namespace athena::api
