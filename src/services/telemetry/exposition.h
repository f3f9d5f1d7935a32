#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engines/backend.h"
#include "services/telemetry/metrics.h"
#include "services/telemetry/text_writer.h"

namespace athena::telemetry {

/// What the process as a whole adds to a scrape.
struct ProcessSample {
  std::string version, revision;
  double start_time_seconds = 0, uptime_seconds = 0;
  unsigned shards = 1;
  std::uint64_t connections_active = 0, connections_idle = 0;
  bool draining = false;
  std::uint64_t direct_pools = 0;  ///< pools that direct URIs have opened
  std::uint64_t auth_keys = 0;     ///< keys that requests are checked against
  std::uint64_t auth_version = 0;  ///< of the store they were read from
  bool auth_store_up = true;       ///< they are what the store says, or there is no store
  double auth_snapshot_age_seconds = 0;
};

struct RouteLabel {
  std::string_view pattern;
  std::string_view group;
};

/// One registered client at the time of a scrape.
struct ClientSample {
  std::string name;
  contract::Engine engine = contract::Engine::sqlite;
  contract::Lifecycle lifecycle = contract::Lifecycle::active;
  std::shared_ptr<engines::EngineClient> client;  ///< null for those without a backend
  bool has_backend = false;
  bool own_series = true;         ///< else it is part of `other`
  engines::BackendStatus status;  ///< filled by ask()
};

/// Copies of all that a scrape shows: whoever renders it needs nothing else.
struct Scrape {
  std::vector<ShardNumbers> shards;
  ProcessSample process;
  std::span<const RouteLabel> routes;  ///< by route index; static
  std::vector<ClientSample> clients;
  /// Families of what this library does not know; may be empty.
  std::function<void(TextWriter&)> others;
};

/// Asks the clients for their state. Any thread.
void ask(std::vector<ClientSample>& clients);
/// Writes a scrape. Every family of what is built is listed, also while it is empty. Takes milliseconds with
/// many clients, so it is not for shards.
void render(const Scrape& scrape, TextWriter::Form form, base::Buffer& out);

// Parts of it.
void render_process(const Scrape& scrape, TextWriter& out);
void render_requests(const Scrape& scrape, const ShardNumbers& total, TextWriter& out);
void render_operations(const Scrape& scrape, const ShardNumbers& total, TextWriter& out);
void render_clients(const Scrape& scrape, TextWriter& out);

}  // namespace athena::telemetry
