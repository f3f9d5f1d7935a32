#include <array>
#include <functional>
#include <map>

#include "services/telemetry/exposition.h"

namespace athena::telemetry {
namespace {

using contract::Engine;
using contract::Lifecycle;
using engines::BackendStatus;
using Kind = TextWriter::Kind;

/// Numbers of one client, or of all that have no series of their own.
struct Row {
  std::string_view client;
  Engine engine;
  BackendStatus status;
  bool single = true;  ///< its states mean something; of several only sums do
};

void add(BackendStatus& sum, const BackendStatus& part) {
  sum.pool.max += part.pool.max;
  sum.pool.pipelined += part.pool.pipelined;
  sum.pool.pipelined_active += part.pool.pipelined_active;
  sum.pool.idle += part.pool.idle;
  sum.pool.active += part.pool.active;
  sum.pool.connecting += part.pool.connecting;
  sum.pool.waiting += part.pool.waiting;
  sum.queue += part.queue;
  auto& to = sum.counters;
  const auto& from = part.counters;
  to.reconnects += from.reconnects;
  to.pool_timeouts += from.pool_timeouts;
  to.prepared_statements += from.prepared_statements;
  to.prepared_evictions += from.prepared_evictions;
  to.schema_cache_entries += from.schema_cache_entries;
  to.schema_cache_reloads += from.schema_cache_reloads;
  to.shapes_exclusive += from.shapes_exclusive;
  sum.transitions.closed += part.transitions.closed;
  sum.transitions.half_open += part.transitions.half_open;
  sum.transitions.open += part.transitions.open;
  sum.transitions.forced += part.transitions.forced;
  sum.pipeline_depth.add(part.pipeline_depth);
  sum.writer_group.add(part.writer_group);
}

/// A row per client, and last one per engine of those without series of their own.
std::vector<Row> rows_of(std::span<const ClientSample> clients) {
  std::vector<Row> rows;
  std::map<Engine, Row> others;
  for (const auto& client : clients) {
    if (!client.has_backend) continue;
    if (client.own_series) {
      rows.push_back({client.name, client.engine, client.status});
    } else {
      auto& row = others.try_emplace(client.engine, Row{"other", client.engine, {}, false}).first->second;
      add(row.status, client.status);
    }
  }
  for (auto& [engine, row] : others) rows.push_back(std::move(row));
  return rows;
}

double breaker_value(const BackendStatus& status) {
  switch (status.state) {
    case engines::HealthState::half_open:
      return 1;
    case engines::HealthState::open:
      return 2;
    case engines::HealthState::forced_offline:
      return 3;
    default:
      return 0;
  }
}

/// A family with one number per client.
struct PerClient {
  std::string_view name, help;
  Kind kind;
  std::uint64_t (*value)(const BackendStatus&);
};

std::uint64_t positive(int number) {
  return number > 0 ? static_cast<std::uint64_t>(number) : 0;
}

constexpr PerClient kOfPools[] = {
    {"pool_max_connections", "Ceiling of the client's connections.", Kind::gauge,
     [](const auto& s) { return positive(s.pool.max); }},
    {"pool_waiting", "Requests waiting for a connection.", Kind::gauge,
     [](const auto& s) { return positive(s.pool.waiting); }},
    {"pool_timeouts_total", "Requests refused because no connection became free.", Kind::counter,
     [](const auto& s) { return s.counters.pool_timeouts; }},
    {"backend_reconnects_total", "Connections opened after one was lost.", Kind::counter,
     [](const auto& s) { return s.counters.reconnects; }},
};
constexpr PerClient kOfSchemas[] = {
    {"schema_cache_reloads_total", "Tables read from the catalogue.", Kind::counter,
     [](const auto& s) { return s.counters.schema_cache_reloads; }},
};
constexpr PerClient kOfPostgres[] = {
    {"schema_cache_entries", "Tables in the schema caches.", Kind::gauge,
     [](const auto& s) { return s.counters.schema_cache_entries; }},
    {"prepared_statements", "Prepared statements held by all connections.", Kind::gauge,
     [](const auto& s) { return s.counters.prepared_statements; }},
    {"prepared_evictions_total", "Prepared statements closed to make room.", Kind::counter,
     [](const auto& s) { return s.counters.prepared_evictions; }},
    {"pg_shapes_exclusive", "Statements that are too slow to share a connection.", Kind::gauge,
     [](const auto& s) { return positive(s.counters.shapes_exclusive); }},
};
constexpr PerClient kOfSqlite[] = {
    {"sqlite_queue", "Jobs waiting for the SQLite writer or readers.", Kind::gauge,
     [](const auto& s) { return positive(s.queue); }},
};

/// Rows of one client name and engine stay apart only where the family has an engine label; `other` is summed
/// over the engines elsewhere.
void write(TextWriter& out, std::span<const PerClient> families, std::span<const Row> rows,
           const std::function<bool(const Row&)>& wanted) {
  for (const auto& family : families) {
    out.family(family.name, family.help, family.kind);
    std::uint64_t others = 0;
    bool has_others = false;
    for (const auto& row : rows) {
      if (!wanted(row)) continue;
      if (row.single) {
        out.sample({{"client", row.client}}, family.value(row.status));
      } else {
        others += family.value(row.status);
        has_others = true;
      }
    }
    if (has_others) out.sample({{"client", "other"}}, others);
  }
}

void write_registry(const Scrape& scrape, TextWriter& out) {
  std::map<std::pair<Engine, Lifecycle>, std::uint64_t> counts;
  std::uint64_t registered = 0, active = 0, connected = 0;
  for (const auto& client : scrape.clients) {
    ++counts[{client.engine, client.lifecycle}];
    if (client.engine != Engine::postgresql) continue;
    ++registered;
    active += client.lifecycle == Lifecycle::active ? 1 : 0;
    connected += client.has_backend && client.status.connected ? 1 : 0;
  }
  out.family("registry_clients", "Clients of the registry.", Kind::gauge);
  for (const auto& [key, count] : counts)
    out.sample({{"engine", name(key.first)}, {"lifecycle", name(key.second)}}, count);
  const auto gauge = [&out](std::string_view family, std::string_view help, std::uint64_t value) {
    out.family(family, help, Kind::gauge);
    out.sample({}, value);
  };
  gauge("pg_registered_clients", "PostgreSQL clients of the registry.", registered);
  gauge("pg_active_clients", "PostgreSQL clients that are active.", active);
  gauge("pg_connected_clients", "PostgreSQL clients with an open connection.", connected);
}

void write_pools(std::span<const Row> rows, TextWriter& out) {
  out.family("pool_connections",
             "Connections of the client's pool; shared ones are active while they have work.", Kind::gauge);
  std::map<std::tuple<std::string_view, std::string_view>, std::uint64_t> others;
  for (const auto& row : rows) {
    const auto& pool = row.status.pool;
    const auto line = [&](std::string_view kind, std::string_view state, int count) {
      if (row.single) {
        out.sample({{"client", row.client}, {"kind", kind}, {"state", state}}, positive(count));
      } else {
        others[{kind, state}] += positive(count);
      }
    };
    if (row.engine == Engine::postgresql) {
      line("pipelined", "active", pool.pipelined_active);
      line("pipelined", "idle", pool.pipelined - pool.pipelined_active);
    }
    line("exclusive", "active", pool.active);
    line("exclusive", "idle", pool.idle);
    line("exclusive", "connecting", pool.connecting);
  }
  for (const auto& [key, count] : others)
    out.sample({{"client", "other"}, {"kind", std::get<0>(key)}, {"state", std::get<1>(key)}}, count);
}

void write_breakers(std::span<const Row> rows, TextWriter& out) {
  out.family("client_up", "1 when the last contact with the client's backend succeeded.", Kind::gauge);
  for (const auto& row : rows) {
    if (row.single)
      out.sample({{"client", row.client}, {"engine", name(row.engine)}}, row.status.reachable ? 1.0 : 0.0);
  }
  out.family("circuit_breaker_state", "0 closed, 1 half-open, 2 open, 3 forced offline.", Kind::gauge);
  for (const auto& row : rows) {
    if (row.single) out.sample({{"client", row.client}}, breaker_value(row.status));
  }
  out.family("circuit_breaker_transitions_total", "Changes of the circuit breaker, by its new state.",
             Kind::counter);
  BackendStatus::Transitions others;
  const auto write_row = [&out](std::string_view client, const BackendStatus::Transitions& transitions) {
    const auto line = [&](std::string_view to, std::uint64_t count) {
      if (count != 0) out.sample({{"client", client}, {"to", to}}, count);
    };
    line("closed", transitions.closed);
    line("half_open", transitions.half_open);
    line("open", transitions.open);
    line("forced", transitions.forced);
  };
  for (const auto& row : rows) {
    if (row.single) {
      write_row(row.client, row.status.transitions);
      continue;
    }
    others.closed += row.status.transitions.closed;
    others.half_open += row.status.transitions.half_open;
    others.open += row.status.transitions.open;
    others.forced += row.status.transitions.forced;
  }
  write_row("other", others);
}

/// Numbers that have no client label are summed over all clients, also those without series of their own.
void write_sums(const Scrape& scrape, TextWriter& out) {
  std::map<Engine, base::SecondsHistogram> waits;
  std::map<Engine, BackendStatus::Repeats> repeats;
  std::uint64_t hits = 0, misses = 0;
  for (const auto& client : scrape.clients) {
    if (!client.has_backend || client.engine != Engine::postgresql) continue;
    const auto& status = client.status;
    waits[client.engine].add(status.pool_wait);
    auto& sum = repeats[client.engine];
    sum.stale_statement += status.repeats.stale_statement;
    sum.connection_lost += status.repeats.connection_lost;
    sum.not_run += status.repeats.not_run;
    hits += status.counters.schema_cache_hits;
    misses += status.counters.schema_cache_misses;
  }
  out.family("pool_wait_seconds", "Time that requests waited for a connection, if they found none free.",
             Kind::histogram);
  for (const auto& [engine, histogram] : waits) out.histogram({{"engine", name(engine)}}, histogram);
  BackendStatus::Repeats all;
  out.family("backend_retries_total", "Operations that an engine ran again.", Kind::counter);
  for (const auto& [engine, sum] : repeats) {
    out.sample({{"engine", name(engine)}, {"reason", "stale_statement"}}, sum.stale_statement);
    out.sample({{"engine", name(engine)}, {"reason", "connection_lost"}}, sum.connection_lost);
    out.sample({{"engine", name(engine)}, {"reason", "not_run"}}, sum.not_run);
    all.stale_statement += sum.stale_statement;
    all.connection_lost += sum.connection_lost;
    all.not_run += sum.not_run;
  }
  out.family("gateway_retries_total", "Operations that ran again, of all engines.", Kind::counter);
  out.sample({{"reason", "stale_statement"}}, all.stale_statement);
  out.sample({{"reason", "connection_lost"}}, all.connection_lost);
  out.sample({{"reason", "not_run"}}, all.not_run);
  out.family("schema_cache_total", "Tables looked up in the schema caches.", Kind::counter);
  out.sample({{"outcome", "hit"}}, hits);
  out.sample({{"outcome", "miss"}}, misses);
}

void write_histograms(std::span<const Row> rows, TextWriter& out) {
  const auto family = [&](std::string_view name, std::string_view help, Engine engine,
                          base::CountHistogram BackendStatus::* member) {
    out.family(name, help, Kind::histogram);
    for (const auto& row : rows) {
      const auto& histogram = row.status.*member;
      if (row.engine == engine && histogram.counts != base::CountHistogram{}.counts)
        out.histogram({{"client", row.client}}, histogram);
    }
  };
  family("pg_pipeline_depth", "Requests on a shared connection when one was added, that one included.",
         Engine::postgresql, &BackendStatus::pipeline_depth);
  family("sqlite_writer_group_size", "Writes of one transaction.", Engine::sqlite,
         &BackendStatus::writer_group);
}

}  // namespace

void ask(std::vector<ClientSample>& clients) {
  for (auto& client : clients) {
    client.has_backend = client.client != nullptr;
    if (client.has_backend) client.status = client.client->status();
  }
}

void render_clients(const Scrape& scrape, TextWriter& out) {
  write_registry(scrape, out);
  const auto rows = rows_of(scrape.clients);
  write_breakers(rows, out);
  write_pools(rows, out);
  write(out, kOfPools, rows, [](const Row&) { return true; });
  write(out, kOfSchemas, rows, [](const Row&) { return true; });
  write(out, kOfPostgres, rows, [](const Row& row) { return row.engine == Engine::postgresql; });
  write(out, kOfSqlite, rows, [](const Row& row) { return row.engine == Engine::sqlite; });
  write_histograms(rows, out);
  write_sums(scrape, out);
}

}  // namespace athena::telemetry
