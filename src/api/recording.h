#pragma once

#include <cstdint>

#include "api/context.h"
#include "api/operation.h"
#include "api/route.h"
#include "http/exchange.h"

namespace athena::api {

// What is kept of requests and operations, in the shard's recorder; nothing without one. docs/telemetry.md.

/// A reply is done.
struct FinishedRequest {
  const Route* route;  ///< null = no route has the path
  std::uint64_t request_bytes, response_bytes;
  base::Clock::duration duration;
};
void record_request(ShardContext& context, http::Exchange& exchange, const FinishedRequest& finished);
/// An engine has ended an operation, `now`.
void record_operation(Call& call, const Operation& operation, const contract::Result<query::Summary>& summary,
                      base::Clock::time_point now);

}  // namespace athena::api
