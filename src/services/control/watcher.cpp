#include "services/control/watcher.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace athena::control {
namespace {

constexpr std::chrono::seconds kDeadline(5);
constexpr std::chrono::milliseconds kFirstPause(500);
constexpr std::chrono::milliseconds kLongestPause(10'000);
// How long a stop may have to wait for PostgreSQL's notifications.
constexpr std::chrono::milliseconds kSlice(50);
constexpr std::chrono::minutes kBetweenWarnings(1);

}  // namespace

Watcher::Watcher(Settings settings, Work work) : settings_(std::move(settings)), work_(std::move(work)) {}

Watcher::~Watcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watcher::start() {
  thread_ = std::thread([this] { run(); });
}

bool Watcher::wait_for_first(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, patience, [this] { return tried_; });
  return up();
}

StoreError Watcher::first_error() const {
  const std::lock_guard lock(mutex_);
  return first_error_;
}

void Watcher::run() {
  pthread_setname_np(pthread_self(), "athena-watch");
  const auto session = make_session(settings_.location);
  auto retry = kFirstPause;
  for (;;) {
    session->set_deadline(base::Deadline::in(kDeadline));
    const auto result = look(*session);
    if (session->in_transaction()) session->rollback();
    report(result);
    const auto wait = result ? settings_.poll_interval : retry;
    retry = result ? kFirstPause : std::min(2 * retry, kLongestPause);
    if (!pause(*session, wait, result.has_value())) return;
  }
}

StoreResult<void> Watcher::look(Session& session) {
  if (!opened_) {
    if (auto opened = work_.open(session); !opened) return opened;
    opened_ = true;
  }
  for (const auto& look : work_.look) {
    if (auto looked = look(session); !looked) return looked;
  }
  work_.confirmed();
  return {};
}

void Watcher::report(const StoreResult<void>& result) {
  const bool was_up = up_.exchange(result.has_value());
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = !std::exchange(tried_, true);
    if (first && !result) first_error_ = result.error();
  }
  wake_.notify_all();
  if (result) {
    if (!was_up && !first) work_.info(settings_.name + " answers again");
    warned_ = {};
    return;
  }
  const auto now = base::Clock::now();
  if (warned_ != base::Clock::time_point{} && now - warned_ < kBetweenWarnings) return;
  warned_ = now;
  work_.warn(settings_.name + ": " + result.error().message);
}

bool Watcher::pause(Session& session, std::chrono::milliseconds duration, bool healthy) {
  const auto until = base::Clock::now() + duration;
  if (session.home() == Home::postgres && healthy) {
    while (base::Clock::now() < until) {
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return false;
      }
      session.set_deadline(base::Deadline::in(kDeadline));
      const auto told =
          session.wait_for_notifications(base::Deadline(std::min(until, base::Clock::now() + kSlice)));
      if (!told || !told->empty()) return true;
    }
  }
  std::unique_lock lock(mutex_);
  wake_.wait_until(lock, until, [this] { return stopping_; });
  return !stopping_;
}

}  // namespace athena::control
