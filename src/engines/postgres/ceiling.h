#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "engines/postgres/mailbox.h"

namespace athena::postgres {

class Pool;
class Client;

/// A pool as others see it, to ask it for a connection it does not use.
struct Seat {
  Seat(Pool& pool_of, const Client& client_of, std::shared_ptr<Mailbox> mailbox_of)
      : pool(pool_of), client(client_of), mailbox(std::move(mailbox_of)) {}
  Pool& pool;  ///< touched on its shard only, through the mailbox
  const Client& client;
  std::shared_ptr<Mailbox> mailbox;
  std::atomic<int> idle{0};
  std::atomic<bool> starving{false};  ///< requests wait there because a ceiling was hit
};

/// The open connections of all clients of the process, and who would like more of them. Thread-safe; the
/// mutex is taken when a connection opens or closes, never per request.
class ConnectionCeiling {
 public:
  static ConnectionCeiling& process();

  enum class Answer : std::uint8_t { granted, client_full, process_full };
  /// Room for one more connection. A refusal makes somebody who has an idle one give it up, later.
  Answer reserve(std::atomic<int>& client_open, int client_ceiling, int process_ceiling, Seat& asking);
  /// A reserved connection is gone; pools that starve look again.
  void release(std::atomic<int>& client_open);

  void enlist(std::shared_ptr<Seat> seat);
  void delist(const Seat& seat);
  /// Runs the pump of every pool of a client, each on its shard.
  void wake(const Client& client);

 private:
  void ask_for_idle(const Seat& asking, bool same_client);

  std::atomic<int> open_{0};
  std::mutex mutex_;
  std::vector<std::shared_ptr<Seat>> seats_;
};

}  // namespace athena::postgres
