#include "api/server_timing.h"

#include "base/json_writer.h"

namespace athena::api {
namespace {

using base::Clock;
using telemetry::Stage;

struct Parts {
  Clock::duration auth, plan, wait, database, encode;
  bool has_engine, has_encode;
};

Parts parts_of(const telemetry::StageTimes& times, Clock::time_point now) {
  const Clock::time_point none{};
  Parts parts{};
  parts.auth = times.authenticated - times.begun;
  parts.has_engine = times.handed_over != none;
  if (!parts.has_engine) return parts;
  parts.has_encode = times.answered != none;
  parts.plan = times.handed_over - times.authenticated - times.body_wait;
  const auto in_engine = (parts.has_encode ? times.answered : now) - times.handed_over;
  parts.wait = std::min<Clock::duration>(times.trace.wait, in_engine);
  parts.database = in_engine - parts.wait;
  if (parts.has_encode) parts.encode = now - times.answered;
  return parts;
}

}  // namespace

void begin_stages(Call& call) {
  auto& times = call.stages;
  times.wanted = call.context.metrics.stages_wanted() || call.api().server_timing;
  if (times.wanted) times.begun = times.authenticated = Clock::now();
}

void add_server_timing(Call& call) {
  auto& times = call.stages;
  if (times.sent || !call.api().server_timing) return;
  times.sent = true;
  const auto now = Clock::now();
  auto& out = call.exchange.response().extra_headers;
  out.append("Server-Timing: ");
  const auto add = [&out](std::string_view name, Clock::duration duration) {
    out.append(name);
    base::append_milliseconds(out, std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  };
  if (times.wanted) {
    const auto parts = parts_of(times, now);
    add("auth;dur=", parts.auth);
    if (parts.has_engine) {
      add(", plan;dur=", parts.plan);
      add(", wait;dur=", parts.wait);
      add(", db;dur=", parts.database);
      if (parts.has_encode) add(", encode;dur=", parts.encode);
    }
  }
  add(times.wanted ? ", total;dur=" : "total;dur=", now - call.exchange.received_at());
  out.append("\r\n");
}

void end_stages(Call& call) {
  if (!call.exchange.streaming()) add_server_timing(call);
  const auto& times = call.stages;
  if (!times.wanted) return;
  const auto parts = parts_of(times, Clock::now());
  auto& metrics = call.context.metrics;
  metrics.stage(Stage::auth, times.engine, parts.auth);
  if (!parts.has_encode) return;
  metrics.stage(Stage::plan, times.engine, parts.plan);
  metrics.stage(Stage::wait, times.engine, parts.wait);
  metrics.stage(Stage::database, times.engine, parts.database);
  metrics.stage(Stage::encode, times.engine, parts.encode);
}

}  // namespace athena::api
