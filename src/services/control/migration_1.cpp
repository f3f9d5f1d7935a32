#include <array>

#include "base/crypto.h"
#include "base/iso_time.h"
#include "base/unix_time.h"
#include "base/uuid.h"
#include "services/control/migrations.h"
#include "services/control/rights.h"
#include "services/control/schema_state.h"

namespace athena::control {
namespace {

// Part of the checksum, as the schema's text is.
constexpr std::array<BuiltInRight, 29> kRights{{
    {"*", "Everything"},
    {"gateway.*", "Every data route"},
    {"gateway.read", "Read rows"},
    {"gateway.write", "Insert and update rows"},
    {"gateway.delete", "Delete rows"},
    {"gateway.query", "Run SQL"},
    {"gateway.rpc.execute", "Call functions"},
    {"gateway.direct", "Use a database named by URI"},
    {"gateway.proxy", "Use proxied upstreams"},
    {"gateway.storage_proxy", "Use the storage proxy"},
    {"schema.read", "Read the schema of a database"},
    {"cdc.read", "Follow change events"},
    {"cdc.publish", "Publish change events"},
    {"*.read", "Read rows of every table"},
    {"*.write", "Insert and update rows of every table"},
    {"*.delete", "Delete rows of every table"},
    {"management.*", "Every management route"},
    {"management.read", "Read what management routes show"},
    {"management.tables.write", "Create and change tables"},
    {"management.tables.drop", "Drop tables"},
    {"management.columns.write", "Add and change columns"},
    {"management.columns.drop", "Drop columns"},
    {"management.indexes.write", "Create indexes"},
    {"management.indexes.drop", "Drop indexes"},
    {"management.extensions.write", "Install extensions"},
    {"management.functions.read", "Read functions"},
    {"management.functions.write", "Create and change functions"},
    {"management.functions.drop", "Drop functions"},
    {"management.provision.write", "Provision databases"},
}};
constexpr std::array<std::string_view, 5> kScopes{"keys", "clients", "registry", "schedules", "mirrors"};
constexpr std::array<std::string_view, 2> kSecrets{"fingerprint_key", "cursor_key"};
constexpr std::string_view kNoUuid = "00000000-0000-0000-0000-000000000000";

/// Runs statements and counts them; after an error it does nothing more.
class Runner {
 public:
  explicit Runner(Session& session) : session_(session) {}
  void run(const std::string& sql, const Values& parameters = {}) {
    if (failure_ || sql.empty()) return;
    const auto done = session_.execute(sql, parameters);
    if (done) {
      ++count_;
    } else {
      failure_ = done.error();
    }
  }
  /// Fails for good.
  StoreResult<Rows> read(std::string_view sql) {
    if (failure_) return *failure_;
    auto rows = session_.execute(sql);
    if (!rows) failure_ = rows.error();
    return rows;
  }
  [[nodiscard]] StoreResult<int> result() const {
    if (failure_) return *failure_;
    return count_;
  }

 private:
  Session& session_;
  int count_ = 0;
  std::optional<StoreError> failure_;
};

/// What of a table of ours is missing; `adopts`: also columns and indexes of one that exists.
void complete(Runner& runner, const Table& table, const SchemaState& state, bool adopts, Home home) {
  const auto found = state.tables.find(table.name);
  if (found == state.tables.end()) {
    runner.run(create_table(table, home));
  } else if (!adopts) {
    return;
  } else {
    const auto now = base::iso_time(base::unix_ms());
    for (const auto& column : table.columns) {
      if (found->second.contains(column.name)) continue;
      runner.run(add_column(table, column, home, now));
      // Rows that were there get the uuid that SQLite has no default for.
      if (home == Home::sqlite && column.type == ColumnType::uuid && column.not_null) {
        const auto name = quote_name(column.name);
        runner.run(
            "UPDATE " + quote_name(table.name) + " SET " + name +
            " = lower(hex(randomblob(4))||'-'||hex(randomblob(2))||'-4'||substr(hex(randomblob(2)),2)||'-a'||"
            "substr(hex(randomblob(2)),2)||'-'||hex(randomblob(6))) WHERE " +
            name + " IS NULL");
      }
    }
  }
  for (const auto& index : table.indexes) {
    if (!state.indexes.contains(index.name)) runner.run(create_index(table, index, home));
  }
}

void insert_rights(Runner& runner) {
  const auto now = base::iso_time(base::unix_ms());
  std::string sql =
      "INSERT INTO api_key_rights(api_key_rights_id, name, description, created_at, updated_at) VALUES ";
  Values parameters{now};
  for (const auto& right : kRights) {
    const auto at = parameters.size();
    sql += (at == 1 ? "($" : ", ($") + std::to_string(at + 1) + ", $" + std::to_string(at + 2) + ", $" +
           std::to_string(at + 3) + ", $1, $1)";
    parameters.emplace_back(std::string(base::view(base::uuid_v7())));
    parameters.emplace_back(std::string(right.name));
    parameters.emplace_back(std::string(right.description));
  }
  runner.run(sql + " ON CONFLICT (name) DO NOTHING", parameters);
}

void insert_rows(Runner& runner, const Groups& groups) {
  const Value now = base::iso_time(base::unix_ms());
  if (groups.auth) {
    insert_rights(runner);
    const auto rows = runner.read("SELECT count(*) FROM api_key_config");
    if (rows && as_integer(rows->rows.at(0).at(0)) == 0) {
      runner.run(
          "INSERT INTO api_key_config(api_key_config_id, enforce_api_keys, created_at, updated_at) VALUES "
          "($1, $2, $3, $3)",
          {std::string(kNoUuid), false, now});
    }
  }
  for (const auto& name : kSecrets) {
    runner.run(
        "INSERT INTO athena_settings(name, value, updated_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO "
        "NOTHING",
        {std::string(name), base::random_hex(32), now});
  }
  for (const auto& scope : kScopes) {
    runner.run(
        "INSERT INTO athena_control_version(scope, version, updated_at) VALUES ($1, 0, $2) ON CONFLICT "
        "(scope) DO NOTHING",
        {std::string(scope), now});
  }
}

StoreResult<int> adopt(Session& session, const Groups& groups, bool adopts) {
  const auto state = read_schema_state(session);
  if (!state) return state.error();
  Runner runner(session);
  for (const auto& table : schema()) {
    if (groups.hold(table.group)) complete(runner, table, *state, adopts, session.home());
  }
  insert_rows(runner, groups);
  return runner.result();
}

std::string text_of_migration() {
  std::string text(schema_text());
  for (const auto& right : kRights)
    text += std::string(right.name) + "=" + std::string(right.description) + "\n";
  for (const auto& scope : kScopes) text += std::string(scope) + "\n";
  for (const auto& name : kSecrets) text += std::string(name) + "\n";
  return text;
}

}  // namespace

std::span<const BuiltInRight> built_in_rights() {
  return kRights;
}

const std::vector<Migration>& migrations() {
  static const std::vector<Migration> steps{
      {1, "tables of the control plane", 1, text_of_migration(), adopt}};
  return steps;
}

}  // namespace athena::control
