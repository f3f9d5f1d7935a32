#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "base/histogram.h"
#include "base/shard.h"
#include "contract/client_definition.h"
#include "contract/error.h"
#include "contract/settings.h"
#include "engines/control_databases.h"
#include "query/function_call.h"
#include "query/raw_text.h"
#include "query/request.h"
#include "query/row_sink.h"

namespace athena::engines {

/// Tells a running operation that its caller has left. One per request; shard-local.
class Cancellation {
 public:
  [[nodiscard]] bool requested() const { return requested_; }
  /// The engine's reaction; an empty function takes it back. Called at once when the request is already
  /// there.
  void on_request(std::function<void()> reaction) {
    reaction_ = std::move(reaction);
    if (requested_ && reaction_) reaction_();
  }
  void request() {
    requested_ = true;
    if (reaction_) reaction_();
  }
  /// An operator wants it to end: that stops writes too, which a caller's leaving does not.
  void request_by_operator() {
    by_operator_ = true;
    request();
  }
  [[nodiscard]] bool by_operator() const { return by_operator_; }

 private:
  bool requested_ = false, by_operator_ = false;
  std::function<void()> reaction_;
};

/// What works on an operation in its database, for lists of what runs. Of the operation's shard.
class Runner {
 public:
  /// The server process; 0 while the operation waits for a connection.
  [[nodiscard]] virtual int backend_pid() const = 0;

 protected:
  ~Runner() = default;
};

/// How an operation ran; filled by engines that can tell.
struct Trace {
  bool timed = false;                 ///< asks for `wait`
  std::chrono::microseconds wait{0};  ///< for a connection, and for those before it on that connection
  enum class Path : std::uint8_t { none, pipelined, exclusive } path = Path::none;  ///< PostgreSQL, the last
  const Runner* runner = nullptr;  ///< while a statement is under way; null of engines that cannot tell
};

/// What comes with a request besides the request itself.
struct ExecutionContext {
  base::Deadline deadline;
  std::pmr::memory_resource& memory;  ///< freed after the request
  std::int64_t max_rows = 10000;  ///< rows given to the sink at most; writes beyond it are done and counted
  bool exclusive = false;         ///< X-Athena-Deadpool-Enable
  Cancellation* cancellation = nullptr;
  std::vector<std::string>* sql = nullptr;  ///< X-Athena-Explain: statements sent, with placeholders
  Trace* trace = nullptr;                   ///< null = nobody asks
};

/// fetch, insert, update, delete, count.
class QueryBackend {
 public:
  virtual ~QueryBackend() = default;
  /// Runs the request and pushes its rows into `sink`. `request` and `sink` outlive the task; `context` too.
  /// Ends by context.deadline + 500 ms at the latest. Errors: those of the contract, with the database's
  /// members in details.
  virtual base::Task<contract::Result<query::Summary>> execute(const query::Request& request,
                                                               query::RowSink& sink,
                                                               const ExecutionContext& context) = 0;
};

/// SQL of the caller.
class RawBackend {
 public:
  virtual ~RawBackend() = default;
  /// Runs the text and pushes the rows of its last statement that returned any; a text that returns none
  /// calls sink.begin with a shape without columns, or not at all. `raw`, `sink` and `context` outlive the
  /// task. Ends by context.deadline + 500 ms. Nothing the text does to its session reaches another caller.
  /// Errors: statement_not_allowed, read_only_violation, invalid_payload, statement_timeout,
  /// invalid_transaction_state, and the database's with `position` in the caller's text and, of several
  /// statements, `statement`.
  virtual base::Task<contract::Result<query::Summary>> run(const query::RawText& raw, query::RowSink& sink,
                                                           const ExecutionContext& context) = 0;
};

/// Functions of the database.
class FunctionBackend {
 public:
  virtual ~FunctionBackend() = default;
  /// All overloads of that name; an empty schema means `public`. None: undefined_function.
  virtual base::Task<contract::Result<std::vector<query::FunctionSignature>>> signatures(
      std::string schema, std::string function, base::Deadline deadline) = 0;
  /// Chooses the overload, binds the arguments with the parameters' types, runs it and pushes its rows; the
  /// shape given to sink.begin says in its `form` what the function returns. As execute() otherwise. Errors:
  /// undefined_function and ambiguous_function with the signatures, method_not_allowed, invalid_payload
  /// (conditions, columns, sort or page on a scalar), and those of execute().
  virtual base::Task<contract::Result<query::Summary>> call(const query::FunctionCall& call,
                                                            query::RowSink& sink,
                                                            const ExecutionContext& context) = 0;
};

struct TableInfo {
  std::string table_schema, table_name, table_type;
  std::optional<std::int64_t> estimated_rows;
};

struct ColumnInfo {
  std::string column_name, data_type, udt_name;
  std::optional<std::string> column_default;
  bool is_nullable = true;
  int ordinal_position = 0;
  bool is_primary_key = false;
  std::optional<std::string> is_generated;  ///< identity, stored, virtual; absent = null
  std::string table_schema;
};

struct ConstraintInfo {
  std::string constraint_name;
  std::string constraint_type;  ///< PRIMARY KEY, UNIQUE, FOREIGN KEY, CHECK, EXCLUDE
  std::vector<std::string> columns;
  struct Reference {
    std::string schema, table;
    std::vector<std::string> columns;
    std::string on_delete, on_update;  ///< NO ACTION, RESTRICT, CASCADE, SET NULL, SET DEFAULT
  };
  std::optional<Reference> reference;  ///< of a FOREIGN KEY
  std::string definition;
};

struct MigrationInfo {
  std::string version;
  std::optional<std::string> name;
};

/// A table with all that is known of it.
struct TableDescription {
  TableInfo table;
  std::vector<ColumnInfo> columns;
  std::vector<ConstraintInfo> constraints;
};

struct TableQuery {
  std::string table_schema;  ///< empty = not given
  bool include_views = true;
  std::int64_t limit = 10000;
  std::int64_t offset = 0;
};

/// Discovery. Every call reads the database; nothing is cached.
class SchemaBackend {
 public:
  virtual ~SchemaBackend() = default;
  /// Sorted by schema and name; at most query.limit + 1 items, so that the caller can tell `truncated`.
  virtual base::Task<contract::Result<std::vector<TableInfo>>> tables(TableQuery query,
                                                                      base::Deadline deadline) = 0;
  /// `table_schema` empty: the schema of the search path that holds the table. Unknown table: undefined_table
  /// with near names.
  virtual base::Task<contract::Result<std::vector<ColumnInfo>>> columns(std::string table_schema,
                                                                        std::string table_name,
                                                                        base::Deadline deadline) = 0;
  /// In order of type and name. Errors as columns().
  virtual base::Task<contract::Result<std::vector<ConstraintInfo>>> constraints(std::string table_schema,
                                                                                std::string table_name,
                                                                                base::Deadline deadline) = 0;
  /// Newest first, at most limit + 1. A database that tracks no migrations: nullopt.
  virtual base::Task<contract::Result<std::optional<std::vector<MigrationInfo>>>> migrations(
      std::int64_t limit, base::Deadline deadline) = 0;
  /// Sorted as tables(), at most `limit` + 1. `table_schema` empty: all that tables() lists.
  virtual base::Task<contract::Result<std::vector<TableDescription>>> describe(std::string table_schema,
                                                                               std::int64_t limit,
                                                                               base::Deadline deadline) = 0;
  /// Drops what the query path remembers of the schema.
  virtual void forget_schema() = 0;
};

/// One shard's side of a client: its connections, caches, queues. Used on that shard only; absent role =
/// null.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual QueryBackend* query() = 0;
  virtual SchemaBackend* schema() = 0;
  virtual RawBackend* raw() { return nullptr; }
  virtual FunctionBackend* functions() { return nullptr; }
  /// Closes idle connections and refuses new work; running requests finish. Called on the shard before it
  /// stops.
  virtual void shutdown() = 0;
};

enum class HealthState : std::uint8_t { closed, open, half_open, forced_offline, unreachable };
std::string_view name(HealthState state);

/// A snapshot for /admin/backends, /health and metrics; gathered from atomics, so any thread may ask.
struct BackendStatus {
  HealthState state = HealthState::closed;
  bool reachable = false;  ///< the last contact succeeded
  bool connected = false;  ///< at least one connection is open now
  int failures_in_window = 0;
  std::optional<std::int64_t> opened_at_ms, retry_at_ms, forced_until_ms;  ///< Unix milliseconds
  std::optional<std::string> forced_reason;
  std::optional<std::int64_t> last_success_at_ms, last_failure_at_ms, last_check_at_ms;
  std::string last_error_code, last_error_reason;  ///< empty = none
  std::optional<double> latency_ms;
  struct Pool {
    int max = 0, size = 0, pipelined = 0, idle = 0, active = 0, connecting = 0, waiting = 0;
    int pipelined_active = 0;  ///< those of `pipelined` that had work, a second ago at most
  } pool;
  struct Counters {  ///< since start
    std::uint64_t pipelined_requests = 0, exclusive_requests = 0, retries = 0, reconnects = 0,
                  pool_timeouts = 0, prepared_statements = 0, prepared_evictions = 0,
                  schema_cache_entries = 0, schema_cache_reloads = 0;
    std::uint64_t schema_cache_hits = 0, schema_cache_misses = 0;
    int shapes_exclusive = 0;  ///< statements too slow to share a connection, now
  } counters;
  struct Repeats {  ///< what ran again, by why
    std::uint64_t stale_statement = 0, connection_lost = 0, not_run = 0;
  } repeats;
  struct Transitions {  ///< of the breaker, by the state it went to
    std::uint64_t closed = 0, half_open = 0, open = 0, forced = 0;
  } transitions;
  base::SecondsHistogram pool_wait;                  ///< of requests that found no connection free
  base::CountHistogram pipeline_depth;               ///< requests on the connection, that one included
  base::CountHistogram writer_group;                 ///< sqlite: jobs of one transaction
  std::uint64_t writer_groups = 0, writer_jobs = 0;  ///< sqlite
  int queue = 0;                                     ///< sqlite: waiting jobs
};

/// The process-wide side of a client: breaker, ceilings, writer threads. Thread-safe.
class EngineClient {
 public:
  virtual ~EngineClient() = default;
  [[nodiscard]] virtual const contract::ClientDefinition& definition() const = 0;
  /// The side of one shard; created and destroyed on that shard. The EngineClient outlives it.
  virtual std::unique_ptr<Backend> make_backend(base::Shard& shard) = 0;
  [[nodiscard]] virtual BackendStatus status() const = 0;
  /// POST /admin/backends/{client}/offline and reset.
  virtual void force_offline(std::chrono::seconds duration, std::string reason) = 0;
  virtual void reset_health() = 0;
  /// Whether its database holds the gateway's own tables. `unknown` until a connection was made, where one is
  /// needed to tell. Takes no lock that is held long.
  [[nodiscard]] virtual HoldsControlTables holds_control_tables() const { return HoldsControlTables::no; }
};

/// What engines get from the process.
struct EngineEnvironment {
  contract::SettingsView settings;
  unsigned shard_count = 1;
};

}  // namespace athena::engines
