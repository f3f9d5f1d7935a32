#include "engines/sqlite/health.h"

#include "base/unix_time.h"

namespace athena::sqlite {
namespace {

using base::unix_ms;

std::string_view reason_of(const contract::Error& error) {
  for (const auto& detail : error.details()) {
    if (detail.name != "reason" || detail.json.size() < 2) continue;
    return std::string_view(detail.json).substr(1, detail.json.size() - 2);
  }
  return error.code() == contract::ErrorCode::deadline_exceeded ? "timeout" : "refused";
}

}  // namespace

void Health::probed(bool unreachable) {
  if (unreachable) return;  // the attempt to open the file has told it
  suspect_.store(false, std::memory_order_relaxed);
  breaker_.success();
}

void Health::opened(std::chrono::microseconds took) {
  checked_at_ms_.store(unix_ms(), std::memory_order_relaxed);
  open_us_.store(took.count(), std::memory_order_relaxed);
  ready_.store(true, std::memory_order_release);
  suspect_.store(false, std::memory_order_relaxed);
  breaker_.success();
}

void Health::open_failed(const contract::Error& error, bool background) {
  checked_at_ms_.store(unix_ms(), std::memory_order_relaxed);
  suspect_.store(true, std::memory_order_relaxed);
  if (background) {
    breaker_.probe_failed();
  } else {
    breaker_.failure(contract::info(error.code()).name, reason_of(error));
  }
}

void Health::lost() {
  ready_.store(false, std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

void Health::checked() {
  checked_at_ms_.store(unix_ms(), std::memory_order_relaxed);
}

void Health::force_offline(std::chrono::seconds duration, std::string reason) {
  suspect_.store(true, std::memory_order_relaxed);
  breaker_.force_offline(duration, std::move(reason));
}

void Health::reset() {
  breaker_.reset();
}

void Health::describe(engines::BackendStatus& status) const {
  breaker_.describe(status);
  status.reachable = ready();
  status.connected = ready();
  if (const auto at = checked_at_ms_.load(std::memory_order_relaxed); at != 0) status.last_check_at_ms = at;
  if (ready()) status.latency_ms = static_cast<double>(open_us_.load(std::memory_order_relaxed)) / 1000.0;
  if (!ready() && !breaker_.ever_reached() && status.state == engines::HealthState::closed) {
    status.state = engines::HealthState::unreachable;
  }
}

}  // namespace athena::sqlite
