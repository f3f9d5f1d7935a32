#include "engines/postgres/ceiling.h"

#include <algorithm>

#include "engines/postgres/pool.h"

namespace athena::postgres {
namespace {

bool take_one(std::atomic<int>& count, int ceiling) {
  int open = count.load(std::memory_order_relaxed);
  while (open < ceiling) {
    if (count.compare_exchange_weak(open, open + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

}  // namespace

ConnectionCeiling& ConnectionCeiling::process() {
  static ConnectionCeiling ceiling;
  return ceiling;
}

ConnectionCeiling::Answer ConnectionCeiling::reserve(std::atomic<int>& client_open, int client_ceiling,
                                                     int process_ceiling, Seat& asking) {
  if (!take_one(client_open, client_ceiling)) {
    ask_for_idle(asking, true);
    return Answer::client_full;
  }
  if (!take_one(open_, process_ceiling)) {
    client_open.fetch_sub(1, std::memory_order_relaxed);
    ask_for_idle(asking, false);
    return Answer::process_full;
  }
  return Answer::granted;
}

void ConnectionCeiling::release(std::atomic<int>& client_open) {
  client_open.fetch_sub(1, std::memory_order_relaxed);
  open_.fetch_sub(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  for (const auto& seat : seats_) {
    if (seat->starving.load(std::memory_order_relaxed)) seat->mailbox->post([seat] { seat->pool.pump(); });
  }
}

void ConnectionCeiling::ask_for_idle(const Seat& asking, bool same_client) {
  const std::lock_guard lock(mutex_);
  for (const bool own : {false, true}) {  // other clients' idle connections go first
    if (own != same_client && same_client) continue;
    for (const auto& seat : seats_) {
      if (seat.get() == &asking || (&seat->client == &asking.client) != own) continue;
      if (seat->idle.load(std::memory_order_relaxed) == 0) continue;
      seat->mailbox->post([seat] { seat->pool.give_up_idle(); });
      return;
    }
  }
}

void ConnectionCeiling::enlist(std::shared_ptr<Seat> seat) {
  const std::lock_guard lock(mutex_);
  seats_.push_back(std::move(seat));
}

void ConnectionCeiling::delist(const Seat& seat) {
  const std::lock_guard lock(mutex_);
  std::erase_if(seats_, [&seat](const auto& entry) { return entry.get() == &seat; });
}

void ConnectionCeiling::wake(const Client& client) {
  const std::lock_guard lock(mutex_);
  for (const auto& seat : seats_) {
    if (&seat->client == &client) seat->mailbox->post([seat] { seat->pool.pump(); });
  }
}

}  // namespace athena::postgres
