#include "services/records/housekeeping.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/iso_time.h"
#include "base/unix_time.h"
#include "services/records/rebuild.h"

namespace athena::records {
namespace {

using control::Session;
using control::Store;
using control::StoreResult;

constexpr std::chrono::seconds kCallTime{5};
constexpr std::chrono::seconds kRebuildTime{60};
constexpr std::chrono::milliseconds kBetweenBatches{100};
constexpr std::chrono::minutes kFirstRetention{1};
constexpr std::chrono::minutes kRetentionEvery{5};  // the lease says when an hour is over
constexpr std::int64_t kDayMs = 86400000;

int days_of(Age age, const Settings& settings) {
  switch (age) {
    case Age::request:
      return settings.retention_request_days;
    case Age::operation:
      return settings.retention_operation_days;
    case Age::auth:
      return settings.retention_auth_days;
    case Age::event:
      return settings.retention_event_days;
    case Age::expires:
      break;
  }
  return 1;
}

bool is_capped(Age age) {
  return age == Age::request || age == Age::operation || age == Age::auth;
}

template <class Work>
auto call(Store& store, Work work) {
  return store.run_here(base::Deadline::in(kCallTime), std::move(work));
}

}  // namespace

Housekeeping::Housekeeping(Store& main, Store& auth, Counters& counters, std::string instance_id,
                           const Settings& settings)
    : main_(main),
      auth_(auth),
      counters_(counters),
      instance_id_(std::move(instance_id)),
      settings_(settings) {}

Housekeeping::~Housekeeping() {
  stop();
}

void Housekeeping::start() {
  thread_ = std::thread([this] { run(); });
}

void Housekeeping::configure(const Settings& settings) {
  {
    const std::lock_guard lock(mutex_);
    settings_ = settings;
  }
  wake_.notify_all();
}

void Housekeeping::begin_stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void Housekeeping::stop() {
  std::vector<Answer> left;
  begin_stop();
  if (thread_.joinable()) thread_.join();
  {
    const std::lock_guard lock(mutex_);
    left.swap(waiting_);
  }
  for (const auto& answer : left) answer(control::too_busy());
}

bool Housekeeping::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool Housekeeping::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, time, [this] { return stopping_; });
  return !stopping_;
}

void Housekeeping::rebuild(Answer answer) {
  bool refused = false;
  {
    const std::lock_guard lock(mutex_);
    constexpr std::size_t kMostWaiting = 64;
    refused = stopping_ || waiting_.size() >= kMostWaiting || !thread_.joinable();
    if (!refused) waiting_.push_back(std::move(answer));
  }
  if (refused) {
    answer(control::too_busy());
  } else {
    wake_.notify_all();
  }
}

void Housekeeping::run() {
  pthread_setname_np(pthread_self(), "athena-keeper");
  auto next_purge = Clock::now();
  auto next_retention = Clock::now() + kFirstRetention;
  for (;;) {
    Settings settings;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, std::min(next_purge, next_retention),
                       [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      settings = settings_;
    }
    serve_rebuilds();
    if (Clock::now() >= next_purge) {
      purge(settings);
      next_purge = Clock::now() + settings.registry_purge_interval;
    }
    if (Clock::now() >= next_retention) {
      retain(settings);
      next_retention = Clock::now() + kRetentionEvery;
    }
  }
}

/// Those who come while it runs get its result too: what they ask for is as new.
void Housekeeping::serve_rebuilds() {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return;
  }
  const auto began = Clock::now();
  const base::Deadline deadline(began + kRebuildTime);
  auto done = main_.run_here(deadline, [](Session& session) {
    return rebuild_statistics(session, base::iso_time(base::unix_ms()));
  });
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began).count();
  StoreResult<Rebuilt> result = Rebuilt{took, false};
  if (!done) {
    if (deadline.expired()) {
      result = Rebuilt{took, true};
    } else {
      result = done.error();
    }
  }
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(mutex_);
    answers.swap(waiting_);
  }
  for (const auto& answer : answers) answer(result);
}

void Housekeeping::purge(const Settings& settings) {
  const auto idle =
      std::chrono::duration_cast<std::chrono::milliseconds>(settings.registry_inactive_after).count();
  const auto cutoff = base::iso_time(base::unix_ms() - idle);
  const auto purged = call(main_, [cutoff](Session& session) { return purge_connections(session, cutoff); });
  if (purged) counters_.purged.fetch_add(static_cast<std::uint64_t>(*purged), std::memory_order_relaxed);
}

bool Housekeeping::lease() {
  const auto taken = call(main_, [this](Session& session) {
    return take_retention_lease(session, instance_id_, base::unix_ms());
  });
  return taken && *taken;
}

void Housekeeping::retain(const Settings& settings) {
  if (!lease()) return;
  for (const auto& table : kAgedTables) {
    if (stopping()) return;
    retain(table, settings);
  }
  if (main_.location().home == control::Home::sqlite) {
    static_cast<void>(call(main_, [](Session& session) -> StoreResult<void> {
      auto done = session.execute("PRAGMA incremental_vacuum(10000)");
      if (!done) return done.error();
      return {};
    }));
  }
  static_cast<void>(call(main_, [this](Session& session) {
    return end_retention_lease(session, instance_id_, base::unix_ms());
  }));
}

void Housekeeping::retain(const AgedTable& table, const Settings& settings) {
  auto& store = table.in_auth_home ? auth_ : main_;
  const auto index = static_cast<std::size_t>(
      std::find_if(kAgedTables.begin(), kAgedTables.end(),
                   [&table](const auto& other) { return other.name == table.name; }) -
      kAgedTables.begin());
  if (const auto days = days_of(table.age, settings); days > 0) {
    const Expired expired{table, base::iso_time(base::unix_ms() - days * kDayMs)};
    if (!delete_all(store, expired, index)) return;
  }
  const auto cap = settings.max_rows_per_log;
  if (cap == 0 || !is_capped(table.age) || store.location().home != control::Home::sqlite) return;
  const auto last =
      call(store, [&table, cap](Session& session) { return last_id_above_cap(session, table.name, cap); });
  if (last && *last >= 0) delete_all(store, {table, {}, *last}, index);
}

/// In batches, with pauses that leave the store to others. False: it failed, or it is to stop.
bool Housekeeping::delete_all(Store& store, const Expired& expired, std::size_t index) {
  for (;;) {
    const auto deleted = call(store, [&expired](Session& session) {
      return delete_expired(session, expired, base::iso_time(base::unix_ms()));
    });
    if (!deleted) return false;
    counters_.deleted[index].fetch_add(static_cast<std::uint64_t>(*deleted), std::memory_order_relaxed);
    if (*deleted < kRetentionBatch) return true;
    if (!pause(kBetweenBatches)) return false;
    serve_rebuilds();
    if (!lease()) return false;
  }
}

}  // namespace athena::records
