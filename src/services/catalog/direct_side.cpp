#include "services/catalog/direct_side.h"

#include <boost/intrusive/list.hpp>

#include <algorithm>

namespace athena::catalog {
namespace {

using base::Clock;
using contract::Error;
using contract::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A name may move: it is looked up again by the first request after this.
constexpr seconds kResolveAgain{60};
// Texts that mean the same URI have an entry each, so there are more of them than pools.
constexpr std::size_t kAliasesPerPool = 4;
constexpr std::size_t kMostOpenings = 256;
constexpr std::size_t kMostWaiting = 1024;
constexpr seconds kOpenLimit{10};

Error expired() {
  return {ErrorCode::deadline_exceeded, "The request's time limit passed before the database answered."};
}
Error going_down() {
  return {ErrorCode::backend_unreachable, "The gateway is being shut down."};
}
std::string host_of(std::string_view header) {
  return "The host of " + std::string(header);
}

}  // namespace

/// A request that waits for a pool.
struct DirectSide::Waiter
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  Waiter() : timer([this] { end(); }) {}
  void end() {
    unlink();
    timer.cancel();
    done(0);
  }
  base::Completion<int> done;
  base::Timer timer;
};

/// One attempt to find or make the pool of a URI, shared by all who wait for it.
struct DirectSide::Opening {
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters;
  std::size_t waiting = 0;
  bool ended = false;
  std::optional<engines::TargetRefusal> refusal;
  std::optional<Error> failure;
  std::shared_ptr<DirectLocal> local;
};

void DirectUse::give_back() {
  if (local_ != nullptr && --local_->users == 0) local_->pool->release();
  local_ = nullptr;
}

DirectSide::DirectSide(base::Shard& shard, DirectPools& pools)
    : shard_(shard), pools_(pools), sweep_timer_([this] { sweep(); }) {
  pools_.side(shard_) = this;
}

DirectSide::~DirectSide() {
  pools_.side(shard_) = nullptr;
}

contract::Result<DirectUse> DirectSide::find(const DirectText& text, const engines::TargetRules& rules,
                                             Clock::time_point now) {
  if (aliases_.empty()) return DirectUse{};
  const auto found = aliases_.find(base::sha256(text.uri));
  if (found == aliases_.end()) return DirectUse{};
  if (now >= found->second.resolve_again) {
    aliases_.erase(found);
    return DirectUse{};
  }
  if (auto passed = engines::check_pinned(found->second.target, rules); !passed)
    return passed.error().error(host_of(text.header));
  return take(found->second.local);
}

contract::Result<void> DirectSide::check(const DirectText& text, const engines::TargetRules& rules) {
  const auto uri = postgres::parse_direct_uri(text.header, text.uri);
  if (!uri) return uri.error();
  if (auto passed = engines::check_target_text(uri->host, rules); !passed)
    return passed.error().error(host_of(text.header));
  return {};
}

/// Empty when the pool was retired a moment ago.
DirectUse DirectSide::take(const std::shared_ptr<DirectLocal>& local) {
  if (local->backend == nullptr || shut_down_) return {};
  if (local->users == 0 && !local->pool->use()) return {};
  ++local->users;
  return DirectUse(local);
}

std::shared_ptr<DirectLocal> DirectSide::local(const std::shared_ptr<DirectPool>& pool) {
  auto& place = locals_[pool.get()];
  if (place == nullptr) {
    place = std::make_shared<DirectLocal>();
    place->pool = pool;
    if (!shut_down_) place->backend = pool->client().make_backend(shard_);
    if (!sweep_timer_.armed()) sweep();
  }
  return place;
}

base::Task<contract::Result<DirectUse>> DirectSide::open(DirectText text, engines::TargetRules rules,
                                                         base::Deadline deadline) {
  if (shut_down_) co_return going_down();
  const auto text_key = base::sha256(text.uri);
  std::shared_ptr<Opening> opening;
  if (const auto found = openings_.find(text_key); found != openings_.end()) {
    opening = found->second;
    if (opening->waiting >= kMostWaiting)
      co_return Error(ErrorCode::overloaded, "Too many requests wait for a connection to the database.");
  } else {
    auto uri = postgres::parse_direct_uri(text.header, text.uri);
    if (!uri) co_return uri.error();
    if (openings_.size() >= kMostOpenings)
      co_return Error(ErrorCode::overloaded, "Too many direct URIs are being opened.");
    opening = std::make_shared<Opening>();
    openings_.emplace(text_key, opening);
    engines::TargetRequest target{
        uri->host, uri->port, {rules.allowed_hosts.begin(), rules.allowed_hosts.end()}, rules.allow_private};
    // Not a part of this request: others wait for it too, longer perhaps.
    base::asio::co_spawn(shard_.context().get_executor(),
                         run(text_key, opening, std::move(*uri), std::move(target)), base::asio::detached);
  }
  if (!opening->ended) {
    Waiter waiter;
    ++opening->waiting;
    auto resumed = co_await base::suspend<int>([&](base::Completion<int> completion) {
      waiter.done = std::move(completion);
      shard_.timers().arm(waiter.timer, deadline.at());
      opening->waiters.push_back(waiter);
    });
    static_cast<void>(resumed);
    --opening->waiting;
  }
  if (!opening->ended) co_return expired();
  if (opening->refusal) co_return opening->refusal->error(host_of(text.header));
  if (opening->failure) co_return *opening->failure;
  auto use = take(opening->local);
  if (!use) co_return going_down();
  co_return std::move(use);
}

base::Task<void> DirectSide::run(base::Sha256 text_key, std::shared_ptr<Opening> opening,
                                 postgres::DirectUri uri, engines::TargetRequest target) {
  try {
    co_await make(text_key, *opening, std::move(uri), std::move(target));
  } catch (const std::exception&) {
    opening->failure.emplace(ErrorCode::internal_error);
  }
  openings_.erase(text_key);
  opening->ended = true;
  // In use until all who waited have taken it: none of them finds it retired.
  auto held = opening->local != nullptr ? take(opening->local) : DirectUse{};
  if (opening->local != nullptr) opening->local->pool->release();  // of acquire()
  while (!opening->waiters.empty()) opening->waiters.front().end();
}

base::Task<void> DirectSide::make(base::Sha256 text_key, Opening& opening, postgres::DirectUri uri,
                                  engines::TargetRequest target) {
  auto pinned = co_await engines::pin_target(std::move(target), pools_.resolver(), shard_,
                                             base::Deadline::in(kOpenLimit));
  if (!pinned) {
    opening.refusal = pinned.error();
    co_return;
  }
  auto text = postgres::pinned_connection_text(uri, pinned->host, pinned->address.text());
  const auto key = base::sha256(text);
  auto pool = pools_.acquire(key, std::move(text), uri.connect_timeout_seconds);
  if (!pool) {
    opening.failure = pool.error();
    co_return;
  }
  if (!(*pool)->ready.load(std::memory_order_acquire)) {
    const bool made = co_await make_everywhere(*pool);
    if (!made) {
      (*pool)->release();
      opening.failure = going_down();
      co_return;
    }
    (*pool)->ready.store(true, std::memory_order_release);
  }
  opening.local = local(*pool);
  const auto most =
      kAliasesPerPool * static_cast<std::size_t>(std::max(pools_.settings().direct_pool_capacity, 1));
  if (aliases_.size() >= most) aliases_.clear();
  aliases_.insert_or_assign(text_key, Alias{opening.local, *pinned, Clock::now() + kResolveAgain});
}

/// A pool with few connections lives on some shards only, and the others hand their requests over: so its
/// backends must be there on all of them before the first request. False when a shard does not answer.
base::Task<bool> DirectSide::make_everywhere(std::shared_ptr<DirectPool> pool) {
  struct Gathering {
    std::atomic<unsigned> left;
    base::Completion<int> done;  // this shard
  };
  local(pool);
  auto& shards = pools_.shards();
  if (shards.size() == 1) co_return true;
  const auto gathering = std::make_shared<Gathering>();
  gathering->left = shards.size() - 1;
  base::Timer timer([&gathering] {
    if (gathering->done) gathering->done(0);
  });
  auto resumed = co_await base::suspend<int>([&](base::Completion<int> completion) {
    gathering->done = std::move(completion);
    shard_.timers().arm(timer, kOpenLimit);
    for (unsigned index = 0; index < shards.size(); ++index) {
      if (index == shard_.index()) continue;
      shards[index].post([gathering, pool, pools = &pools_, there = &shards[index], back = &shard_] {
        if (auto* side = pools->side(*there); side != nullptr) side->ensure(pool);
        if (gathering->left.fetch_sub(1) != 1) return;
        back->post([gathering] {
          if (gathering->done) gathering->done(0);
        });
      });
    }
  });
  static_cast<void>(resumed);
  timer.cancel();
  co_return gathering->left.load() == 0;
}

void DirectSide::drop(const DirectPool& pool) {
  const auto found = locals_.find(&pool);
  if (found == locals_.end()) return;
  auto local = std::move(found->second);
  locals_.erase(found);
  std::erase_if(aliases_, [&local](const auto& entry) { return entry.second.local == local; });
  if (local->backend == nullptr) return;
  local->backend->shutdown();
  // What shutdown() posted comes before this.
  shard_.post([pools = &pools_, shard = &shard_, ending = local.get()] {
    if (auto* side = pools->side(*shard); side != nullptr) side->bury(*ending);
  });
  ending_.push_back(std::move(local));
}

void DirectSide::bury(const DirectLocal& local) {
  const auto found = std::ranges::find(ending_, &local, &std::shared_ptr<DirectLocal>::get);
  if (found == ending_.end()) return;
  (*found)->backend.reset();
  ending_.erase(found);
}

void DirectSide::sweep() {
  if (shut_down_) return;
  const auto now = Clock::now();
  pools_.close_unused(now);
  std::erase_if(aliases_, [now](const auto& entry) { return now >= entry.second.resolve_again; });
  if (locals_.empty()) return;
  const auto patience = seconds(pools_.settings().direct_pool_ttl_secs);
  const auto often = std::clamp<milliseconds>(patience / 4, milliseconds(250), seconds(30));
  shard_.timers().arm(sweep_timer_, often);
}

void DirectSide::shutdown() {
  shut_down_ = true;
  sweep_timer_.cancel();
  for (const auto& [pool, local] : locals_) {
    if (local->backend != nullptr) local->backend->shutdown();
  }
}

void DirectSide::clear() {
  for (const auto& ending : ending_) ending->backend.reset();
  for (const auto& [pool, local] : locals_) local->backend.reset();
  ending_.clear();
  aliases_.clear();
  locals_.clear();
}

}  // namespace athena::catalog
