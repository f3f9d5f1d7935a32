#pragma once

#include "api/call.h"

namespace athena::api {

/// Server-Timing and gateway_stage_seconds: where the time of a request went. Stages: auth (the credential),
/// plan (from there to the engine, but for waiting for the body), wait (for a connection), db (the engine
/// otherwise), encode (from the engine's end to the reply's). Requests that reach no engine have auth alone.

/// Decides whether the stages of this request are measured.
void begin_stages(Call& call);
/// Adds the header when it is configured; once per reply, before its head is written. Of a streamed reply it
/// holds what had passed by then: db is the time to the first bytes, encode is missing.
void add_server_timing(Call& call);
/// After the handler: the header of replies that were not streamed, and the metrics.
void end_stages(Call& call);

}  // namespace athena::api
