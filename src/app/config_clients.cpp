#include "app/config_clients.h"

#include <algorithm>
#include <array>

#include "app/config_keys.h"

namespace athena::app {
namespace {

using contract::ClientDefinition;
using contract::Engine;

/// Reads the members of one client and reports what nobody asked for.
class Members {
 public:
  Members(const FileValue& value, std::string where, const std::string& path, const Environment& environment,
          std::vector<std::string>& errors)
      : value_(value), where_(std::move(where)), path_(path), environment_(environment), errors_(errors) {}

  void fail(int line, const std::string& what) {
    errors_.push_back(path_ + ":" + std::to_string(line) + ": " + where_ + what);
  }
  /// The text of a member, or of the variable that `<name>_env_var` names.
  std::string text(const std::string& name, std::string fallback = {}) {
    used_.push_back(name);
    used_.push_back(name + "_env_var");
    const auto* given = value_.find(name);
    const auto* variable = value_.find(name + "_env_var");
    if (given != nullptr && variable != nullptr) {
      fail(given->line, "." + name + ": give either this or " + name + "_env_var");
      return fallback;
    }
    if (variable != nullptr) {
      if (auto found = environment_.get(variable->text)) return *found;
      fail(variable->line, "." + name + "_env_var: environment variable " + variable->text + " is not set");
      return fallback;
    }
    return given == nullptr || given->text.empty() ? fallback : given->text;
  }
  bool flag(const std::string& name, bool fallback) {
    const auto given = text(name);
    if (given.empty()) return fallback;
    if (http::header_is_true(given)) return true;
    if (given == "false" || given == "no" || given == "off" || given == "0") return false;
    fail(line_of(name), "." + name + ": must be true or false");
    return fallback;
  }
  std::int64_t integer(const std::string& name, std::int64_t fallback, std::int64_t minimum,
                       std::int64_t maximum) {
    const auto given = text(name);
    if (given.empty()) return fallback;
    const bool digits = given.size() <= 18 && given.find_first_not_of("0123456789") == std::string::npos;
    const auto value = digits ? std::stoll(given) : -1;
    if (value < minimum || value > maximum) {
      fail(line_of(name), "." + name + ": must be a whole number from " + std::to_string(minimum) + " to " +
                              std::to_string(maximum));
      return fallback;
    }
    return value;
  }
  std::string choice(const std::string& name, std::string fallback, const std::vector<std::string>& choices) {
    auto given = text(name, fallback);
    if (std::find(choices.begin(), choices.end(), given) != choices.end()) return given;
    std::string list;
    for (const auto& option : choices) list += " " + option;
    fail(line_of(name), "." + name + ": must be one of" + list);
    return fallback;
  }
  const FileValue* map(const std::string& name) {
    used_.push_back(name);
    const auto* found = value_.find(name);
    if (found != nullptr && !found->is_map) {
      fail(found->line, "." + name + ": must be a mapping");
      return nullptr;
    }
    return found;
  }
  void refuse_unknown() {
    for (const auto& [name, value] : value_.members) {
      if (std::find(used_.begin(), used_.end(), name) == used_.end())
        fail(value.line, "." + name + ": unknown member");
    }
  }
  [[nodiscard]] int line_of(const std::string& name) const {
    const auto* found = value_.find(name);
    return found == nullptr ? value_.line : found->line;
  }

 private:
  const FileValue& value_;
  std::string where_;
  const std::string& path_;
  const Environment& environment_;
  std::vector<std::string>& errors_;
  std::vector<std::string> used_;
};

void read_pool(Members& members, const Config& defaults, contract::PoolLimits& pool) {
  pool = defaults.pool;
  const auto* map = members.map("pool");
  if (map == nullptr) return;
  Config scratch = defaults;
  for (const auto& [name, value] : map->members) {
    const auto* key = find_key("pool", name);
    if (key == nullptr || name == "process_max_connections") {
      members.fail(value.line, ".pool." + name + ": unknown member");
      continue;
    }
    if (auto applied = apply_key(scratch, *key, value.text); !applied) {
      members.fail(value.line, ".pool." + name + ": " + applied.error());
    }
  }
  pool = scratch.pool;
}

void read_metadata(Members& members, ClientDefinition& definition) {
  const auto* metadata = members.map("metadata");
  if (metadata == nullptr) return;
  if (const auto* capabilities = metadata->find("capabilities")) {
    for (const auto& [name, value] : capabilities->members) {
      const auto capability = contract::capability_from_name(name);
      if (!capability) {
        members.fail(value.line, ".metadata.capabilities." + name + ": unknown capability");
      } else if (!http::header_is_true(value.text)) {
        definition.capabilities.set(*capability, false);  // a flag can only be switched off
      }
    }
  }
  if (const auto* limits = metadata->find("limits")) {
    const auto read = [&](const char* name, std::optional<std::int64_t>& target) {
      const auto* value = limits->find(name);
      if (value == nullptr) return;
      const bool digits = !value->text.empty() && value->text.size() <= 12 &&
                          value->text.find_first_not_of("0123456789") == std::string::npos;
      if (!digits) {
        members.fail(value->line, std::string(".metadata.limits.") + name + ": must be a whole number");
      } else {
        target = std::stoll(value->text);
      }
    };
    read("max_rows", definition.limits.max_rows);
    read("timeout_ms", definition.limits.timeout_ms);
  }
}

contract::PostgresConnection read_postgres(Members& members, const Config& config) {
  contract::PostgresConnection connection;
  connection.uri = members.text("uri");
  if (connection.uri.empty()) connection.uri = members.text("pg_uri");
  if (connection.uri.empty()) members.fail(members.line_of("uri"), ": uri is needed");
  connection.sslmode = members.choice("sslmode", "prefer",
                                      {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"});
  connection.sslrootcert = members.text("sslrootcert");
  connection.sslcert = members.text("sslcert");
  connection.sslkey = members.text("sslkey");
  connection.search_path = members.text("search_path");
  connection.transaction_pooler = members.choice("pooler", "none", {"none", "transaction"}) == "transaction";
  connection.read_only = members.flag("read_only", false);
  read_pool(members, config, connection.pool);
  return connection;
}

contract::SqliteConnection read_sqlite(Members& members) {
  contract::SqliteConnection connection;
  connection.path = members.text("path");
  if (connection.path.empty()) members.fail(members.line_of("path"), ": path is needed");
  connection.create = members.flag("create", true);
  connection.read_only = members.flag("read_only", false);
  connection.busy_timeout_ms = static_cast<int>(members.integer("busy_timeout_ms", 5000, 0, 600000));
  connection.synchronous_full = members.choice("synchronous", "full", {"full", "normal"}) == "full";
  connection.readers = static_cast<int>(members.integer("readers", 4, 1, 32));
  return connection;
}

}  // namespace

void read_clients(const ConfigFile& file, const std::string& path, const Environment& environment,
                  Config& config, std::vector<std::string>& errors) {
  for (const std::string section : {"postgres_clients", "clients"}) {
    const auto found = file.sections.find(section);
    if (found == file.sections.end()) continue;
    for (const auto& [client_name, value] : found->second) {
      FileValue entry = value;
      if (!value.is_map) {  // `name: URI`
        FileValue uri = value;
        entry.is_map = true;
        entry.members = {{"uri", std::move(uri)}};
      }
      Members members(entry, section + "." + client_name, path, environment, errors);
      if (!value.is_map && section == "clients") {
        members.fail(value.line, ": must be a mapping with an engine");
        continue;
      }
      if (auto checked = contract::check_client_name(client_name); !checked) {
        members.fail(value.line, ": " + checked.error().text());
        continue;
      }
      const auto key = contract::client_key(client_name);
      if (std::any_of(config.clients.begin(), config.clients.end(),
                      [&](const auto& other) { return contract::client_key(other.client_name) == key; })) {
        members.fail(value.line, ": a client of this name is there already");
        continue;
      }
      ClientDefinition definition;
      definition.client_name = client_name;
      const auto engine_text =
          section == "postgres_clients" ? std::string("postgresql") : members.text("engine");
      if (section == "postgres_clients") members.text("engine");
      const auto engine = contract::engine_from_name(engine_text);
      if (!engine || (*engine != Engine::postgresql && *engine != Engine::sqlite)) {
        members.fail(members.line_of("engine"),
                     engine_text.empty() ? ": engine is needed"
                     : engine            ? ".engine: " + engine_text + " is not built into this version"
                                         : ".engine: unknown engine");
        continue;
      }
      definition.engine = *engine;
      definition.capabilities = contract::engine_capabilities(*engine);
      definition.description = members.text("description");
      const bool active = members.flag("is_active", true);
      const bool frozen = members.flag("is_frozen", false);
      definition.lifecycle = !active  ? contract::Lifecycle::inactive
                             : frozen ? contract::Lifecycle::frozen
                                      : contract::Lifecycle::active;
      read_metadata(members, definition);
      if (*engine == Engine::postgresql) {
        auto connection = read_postgres(members, config);
        if (engine_text == "neon" && value.find("sslmode") == nullptr) connection.sslmode = "require";
        definition.connection = std::move(connection);
      } else {
        definition.connection = read_sqlite(members);
      }
      members.refuse_unknown();
      config.clients.push_back(std::move(definition));
    }
  }
}

}  // namespace athena::app
