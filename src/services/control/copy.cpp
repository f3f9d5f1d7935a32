#include "services/control/copy.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "base/iso_time.h"
#include "base/unix_time.h"
#include "services/control/migrations.h"
#include "services/control/schema_state.h"

namespace athena::control {
namespace {

using Result = base::Result<CopyCounts, std::string>;
using Problem = base::Result<void, std::string>;

constexpr std::int64_t kBatch = 2000;
/// For one batch or statement, not for the whole.
constexpr std::chrono::minutes kPatience(5);

/// What happens to the rows of a table.
enum class Way : std::uint8_t {
  leave,    ///< not copied
  fill,     ///< copied into a table that has to be empty
  replace,  ///< copied; what the target has gives way
  append,   ///< copied behind what the target has
};
struct Plan {
  std::string_view table;
  Way way;
};
// All that is not named here is filled.
constexpr std::array kPlans{
    Plan{"athena_instances", Way::leave},          Plan{"athena_schema_migrations", Way::leave},
    Plan{"athena_control_version", Way::leave},    Plan{"gateway_deferred_requests", Way::leave},
    Plan{"gateway_idempotency_keys", Way::leave},  Plan{"api_key_rights", Way::replace},
    Plan{"api_key_config", Way::replace},          Plan{"athena_settings", Way::replace},
    Plan{"athena_clients", Way::replace},          Plan{"client_statistics", Way::replace},
    Plan{"client_table_statistics", Way::replace}, Plan{"admin_audit_log", Way::append},
    Plan{"database_audit_log", Way::append},       Plan{"query_history", Way::append},
    Plan{"ui_request_log", Way::append},
};
constexpr std::array<std::string_view, 7> kLogs{
    "api_key_auth_log",         "gateway_request_log",
    "gateway_operation_log",    "gateway_connection_registry_realtime",
    "gateway_admission_events", "pipeline_step_log",
    "client_alert_queries"};
/// Tables whose rows carry the version of the change that made them, and whose scope it is.
struct Versioned {
  std::string_view table, scope;
};
constexpr std::array kVersioned{Versioned{"api_keys", "keys"}, Versioned{"api_key_rights", "keys"},
                                Versioned{"athena_clients", "clients"}};

Way way_of(std::string_view table, bool with_logs) {
  if (std::find(kLogs.begin(), kLogs.end(), table) != kLogs.end()) return with_logs ? Way::fill : Way::leave;
  for (const auto& plan : kPlans) {
    if (plan.table == table) return plan.way;
  }
  return Way::fill;
}

/// A failure on its way out of the copy.
struct Failure {
  std::string text;
};

class Copy {
 public:
  explicit Copy(const CopyOptions& options) : options_(options) {}

  CopyCounts run() {
    open_source();
    target_ = make_session(options_.to);
    check_target(state_of_target());  // before a table is made there
    if (options_.dry_run) {
      count_source();
      return counts_;
    }
    const auto migrated = migrate(target(), {{}, true, options_.athena_version});
    if (!migrated)
      throw Failure{"The tables of " + options_.to_name + " cannot be made: " + migrated.error().message};
    Transaction transaction(target());
    stored(transaction.begin());
    take_versions();
    const auto state = state_of_target();
    check_target(state);
    clear(state);
    for (const auto& table : schema()) {
      if (way_of(table.name, options_.with_logs) != Way::leave) copy(table);
    }
    tell();
    stored(transaction.commit());
    return counts_;
  }

 private:
  Session& target() {
    target_->set_deadline(base::Deadline::in(kPatience));
    return *target_;
  }
  Session& source() {
    source_->set_deadline(base::Deadline::in(kPatience));
    return *source_;
  }
  void stored(const StoreResult<void>& result) const {
    if (!result) throw Failure{options_.to_name + " cannot be written: " + result.error().message};
  }
  Rows written(std::string_view sql, const Values& parameters = {}) {
    auto rows = target().execute(sql, parameters);
    if (!rows) throw Failure{options_.to_name + " cannot be written: " + rows.error().message};
    return std::move(*rows);
  }
  Rows read(std::string_view sql, const Values& parameters = {}) {
    auto rows = source().execute(sql, parameters);
    if (!rows) throw Failure{options_.from.path + " cannot be read: " + rows.error().message};
    return std::move(*rows);
  }

  void open_source() {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(options_.from.path, ignored))
      throw Failure{options_.from.path + " is not there"};
    auto location = options_.from;
    location.read_only = true;
    source_ = make_session(location);
    if (auto begun = source().begin(); !begun)
      throw Failure{options_.from.path + " cannot be read: " + begun.error().message};
    auto state = read_schema_state(source());
    if (!state) throw Failure{options_.from.path + " cannot be read: " + state.error().message};
    if (state->applied.empty()) throw Failure{options_.from.path + " is no store of Athena"};
    const int newest = migrations().back().version;
    for (const auto& applied : state->applied) {
      if (applied.min_version > newest)
        throw Failure{options_.from.path + " needs an Athena that knows schema version " +
                      std::to_string(applied.min_version) + ", this one knows up to " +
                      std::to_string(newest)};
    }
    source_state_ = std::move(*state);
  }

  SchemaState state_of_target() {
    auto state = read_schema_state(target());
    if (!state) throw Failure{options_.to_name + " cannot be read: " + state.error().message};
    return std::move(*state);
  }

  void refuse_rows(const SchemaState& state, std::string_view table, std::string_view condition,
                   std::string_view what) {
    if (!state.tables.contains(std::string(table))) return;
    const auto rows = written("SELECT count(*) FROM " + quote_name(table) + std::string(condition));
    const auto count = as_integer(rows.rows.at(0).at(0));
    if (count > 0)
      throw Failure{options_.to_name + " holds " + std::to_string(count) + " " + std::string(what) +
                    " already; nothing was copied"};
  }

  void check_target(const SchemaState& state) {
    refuse_rows(state, "api_keys", "", "keys");
    refuse_rows(state, "athena_clients", " WHERE source <> 'config'", "clients of its own");
    for (const auto& table : schema()) {
      if (way_of(table.name, options_.with_logs) == Way::fill)
        refuse_rows(state, table.name, "", "rows of " + table.name);
    }
    if (!state.tables.contains("api_key_rights")) return;
    std::set<std::string> known;
    for (const auto& row : read("SELECT name FROM api_key_rights").rows) known.insert(as_text(row[0]));
    for (const auto& row : written("SELECT name FROM api_key_rights").rows) {
      if (!known.contains(as_text(row[0])))
        throw Failure{options_.to_name + " holds rights of its own already; nothing was copied"};
    }
  }

  /// The versions of the scopes after the copy: above both. Their rows are locked from here on, so no
  /// instance changes anything meanwhile.
  void take_versions() {
    std::map<std::string, std::int64_t> before;
    for (const auto& row : read("SELECT scope, version FROM athena_control_version").rows)
      before[as_text(row[0])] = as_integer(row[1]);
    const auto now = base::iso_time(base::unix_ms());
    for (const auto& row :
         written("SELECT scope, version FROM athena_control_version ORDER BY scope FOR UPDATE").rows) {
      const auto& scope = as_text(row[0]);
      versions_[scope] = std::max(as_integer(row[1]), before[scope]) + 1;
      written("UPDATE athena_control_version SET version = $1, updated_at = $2 WHERE scope = $3",
              {versions_[scope], now, scope});
    }
  }

  void clear(const SchemaState& state) {
    for (const auto& table : schema()) {
      if (way_of(table.name, options_.with_logs) != Way::replace || !state.tables.contains(table.name))
        continue;
      if (table.name == "athena_settings") {
        for (const auto& row : read("SELECT name FROM athena_settings").rows)
          written("DELETE FROM athena_settings WHERE name = $1", row);
      } else {
        written("DELETE FROM " + quote_name(table.name));
      }
    }
  }

  void count_source() {
    for (const auto& table : schema()) {
      if (way_of(table.name, options_.with_logs) == Way::leave || !source_state_.tables.contains(table.name))
        continue;
      const auto count = as_integer(read("SELECT count(*) FROM " + quote_name(table.name)).rows.at(0).at(0));
      if (count > 0) counts_[table.name] = count;
    }
  }

  void copy(const Table& table) {
    const auto found = source_state_.tables.find(table.name);
    if (found == source_state_.tables.end()) return;  // a file of an older release
    const bool numbered = table.columns.front().type == ColumnType::pk;
    // Rows that come behind others get new numbers.
    const bool keeps_ids = !numbered || is_empty(table);
    std::vector<const Column*> columns;
    std::vector<std::string_view> names;
    std::string list;
    for (const auto& column : table.columns) {
      if (!found->second.contains(column.name) || (column.type == ColumnType::pk && !keeps_ids)) continue;
      columns.push_back(&column);
      names.push_back(column.name);
      list += ", " + quote_name(column.name);
    }
    const auto sql = "SELECT rowid" + list + " FROM " + quote_name(table.name) +
                     " WHERE rowid > $1 ORDER BY rowid LIMIT " + std::to_string(kBatch);
    std::int64_t last = INT64_MIN;
    for (;;) {
      auto rows = read(sql, {last}).rows;
      if (rows.empty()) break;
      last = as_integer(rows.back()[0]);
      for (auto& row : rows) {
        row.erase(row.begin());
        for (std::size_t i = 0; i < row.size(); ++i) convert(table, *columns[i], row[i]);
      }
      counts_[table.name] += static_cast<std::int64_t>(rows.size());
      stored(target().insert_many(table.name, names, rows));
    }
    if (numbered && keeps_ids)
      written("SELECT setval(pg_get_serial_sequence($1, 'id'), max(id)) FROM " + quote_name(table.name) +
                  " HAVING max(id) IS NOT NULL",
              {quote_name(table.name)});
  }

  bool is_empty(const Table& table) {
    return written("SELECT 1 FROM " + quote_name(table.name) + " LIMIT 1").rows.empty();
  }

  void convert(const Table& table, const Column& column, Value& value) const {
    if (is_null(value)) return;
    if (column.type == ColumnType::boolean) value = as_bool(value);
    if (column.name != "change_version") return;
    for (const auto& one : kVersioned) {
      if (one.table == table.name) value = versions_.at(std::string(one.scope));
    }
  }

  /// The record, and the word to instances that run.
  void tell() {
    AuditEntry entry;
    entry.action = "store.copy";
    entry.object_type = "store";
    entry.object_id = options_.to_name;
    entry.after = "{";
    for (const auto& [table, count] : counts_)
      entry.after += (entry.after.size() == 1 ? "\"" : ",\"") + table + "\":" + std::to_string(count);
    entry.after += "}";
    stored(write_audit(target(), options_.actor, entry, base::iso_time(base::unix_ms())));
    for (const auto& [scope, version] : versions_) {
      written("SELECT pg_notify('athena_control', $1)",
              {R"({"scope":")" + scope + R"(","version":)" + std::to_string(version) + R"(,"instance":""})"});
    }
  }

  const CopyOptions& options_;
  std::unique_ptr<Session> source_, target_;
  SchemaState source_state_;
  std::map<std::string, std::int64_t> versions_;
  CopyCounts counts_;
};

}  // namespace

Result copy_store(const CopyOptions& options) {
  try {
    return {boost::system::in_place_value, Copy(options).run()};
  } catch (const Failure& failure) {
    return {boost::system::in_place_error, failure.text};
  }
}

StoreContent store_content(const std::string& path) {
  StoreContent content;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return content;
  StoreLocation location;
  location.path = path;
  location.read_only = true;
  const auto session = make_session(location);
  session->set_deadline(base::Deadline::in(std::chrono::seconds(2)));
  const auto count = [&session](std::string_view sql) {
    const auto rows = session->execute(sql);
    return rows ? as_integer(rows->rows.at(0).at(0)) : 0;
  };
  content.keys = count("SELECT count(*) FROM api_keys WHERE archived_at IS NULL");
  content.clients =
      count("SELECT count(*) FROM athena_clients WHERE deleted_at IS NULL AND source <> 'config'");
  return content;
}

}  // namespace athena::control
