#include "engines/name_lookup.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <mutex>

#include "engines/blocking_workers.h"

namespace athena::engines {
namespace {

class SystemResolver final : public Resolver {
 public:
  std::vector<IpAddress> resolve(const std::string& name) override {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_UNSPEC;
    addrinfo* list = nullptr;
    std::vector<IpAddress> found;
    if (::getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) return found;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
      if (entry->ai_family == AF_INET) {
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(entry->ai_addr)->sin_addr, 4);
        found.push_back(IpAddress::v4(bytes));
      } else if (entry->ai_family == AF_INET6) {
        std::array<std::uint8_t, 16> bytes{};
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(entry->ai_addr)->sin6_addr, 16);
        found.push_back(IpAddress::v6(bytes));
      }
    }
    ::freeaddrinfo(list);
    return found;
  }
};

/// A look-up and the coroutine that waits for it, which may be gone before the answer is there.
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
  explicit Lookup(base::Shard& shard) : shard_(&shard) {}

  /// Worker threads. The answer of a name whose caller has left is dropped.
  void answer(std::vector<IpAddress> found) {
    const std::lock_guard lock(mutex_);
    if (shard_ == nullptr) return;
    shard_->post([self = shared_from_this(), found = std::move(found)]() mutable {
      if (self->shard_ == nullptr) return;  // written on this thread only
      self->found_ = std::move(found);
      self->answered_ = true;
      self->wake();
    });
  }
  [[nodiscard]] bool wanted() {
    const std::lock_guard lock(mutex_);
    return shard_ != nullptr;
  }

  // ---- on the shard ----
  void wait(base::Completion<int> completion) { waiter_ = std::move(completion); }
  void wake() {
    if (waiter_) waiter_(0);
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    shard_ = nullptr;
  }
  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] std::vector<IpAddress> take() { return std::move(found_); }

 private:
  std::mutex mutex_;
  base::Shard* shard_;
  base::Completion<int> waiter_;
  std::vector<IpAddress> found_;
  bool answered_ = false;
};

BlockingWorkers& workers() {
  constexpr std::size_t kMaxThreads = 4;
  constexpr std::size_t kMaxWaiting = 256;
  static auto* const instance = new BlockingWorkers(kMaxThreads, kMaxWaiting);
  return *instance;
}

}  // namespace

std::shared_ptr<Resolver> system_resolver() {
  static const auto instance = std::make_shared<SystemResolver>();
  return instance;
}

base::Task<TargetResult<std::vector<IpAddress>>> look_up(std::string name, std::shared_ptr<Resolver> resolver,
                                                         base::Shard& shard, base::Deadline deadline) {
  const auto lookup = std::make_shared<Lookup>(shard);
  struct Leave {
    Lookup& lookup;
    ~Leave() { lookup.leave(); }
  } leave{*lookup};
  const bool accepted = workers().run([name = std::move(name), resolver = std::move(resolver), lookup] {
    if (lookup->wanted()) lookup->answer(resolver->resolve(name));
  });
  if (!accepted) co_return TargetRefusal{TargetRefusal::Rule::busy};
  base::Timer timer([&lookup] { lookup->wake(); });
  auto resumed = co_await base::suspend<int>([&](base::Completion<int> completion) {
    lookup->wait(std::move(completion));
    shard.timers().arm(timer, deadline.at());
  });
  static_cast<void>(resumed);
  timer.cancel();
  if (!lookup->answered()) co_return TargetRefusal{TargetRefusal::Rule::unresolved};
  co_return lookup->take();
}

}  // namespace athena::engines
