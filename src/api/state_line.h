#pragma once

#include <string>

#include "api/context.h"

namespace athena::api {

/// One JSON object with the inner state of the process, for SIGUSR2: connections, requests in flight, log
/// queue, reloads, and for each client with a backend its pool, queue and breaker. No secret, no address.
/// Any thread; asks the clients, so it takes about a microsecond for each.
std::string state_line(const ProcessContext& process, const catalog::Registry& registry, std::size_t log_queue);

}  // namespace athena::api
