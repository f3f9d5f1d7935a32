#include "app/client_reader.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "app/config_keys.h"
#include "base/ascii.h"
#include "engines/postgres/target.h"

namespace athena::app {
namespace {

using contract::ClientDefinition;
using contract::Engine;

/// Reads the members of one client and reports what nobody asked for.
class Members {
 public:
  Members(const FileValue& value, std::string where, const std::string& path, const Environment& environment,
          std::vector<ConfigProblem>& problems)
      : value_(value),
        where_(std::move(where)),
        path_(path),
        environment_(environment),
        problems_(problems) {}

  void fail(int line, const std::string& member, const std::string& what) {
    problems_.push_back({path_ + ":" + std::to_string(line), where_ + member, what});
  }
  /// The text of a member, or of the variable that `<name>_env_var` names.
  std::string text(const std::string& name, std::string fallback = {}) {
    used_.push_back(name);
    used_.push_back(name + "_env_var");
    const auto* given = value_.find(name);
    const auto* variable = value_.find(name + "_env_var");
    if (given != nullptr && (given->is_map || given->is_list)) {
      fail(given->line, "." + name, "must be a plain value");
      return fallback;
    }
    if (given != nullptr && variable != nullptr) {
      fail(given->line, "." + name, "give either this or " + name + "_env_var");
      return fallback;
    }
    if (variable != nullptr) {
      if (auto found = environment_.get(variable->text)) return *found;
      fail(variable->line, "." + name + "_env_var",
           "environment variable " + printable(variable->text, 200) + " is not set");
      return fallback;
    }
    return given == nullptr || given->text.empty() ? fallback : given->text;
  }
  [[nodiscard]] bool given(const std::string& name) const {
    return value_.find(name) != nullptr || value_.find(name + "_env_var") != nullptr;
  }
  /// The same for what can't be left out.
  std::string needed(const std::string& name) {
    const auto before = problems_.size();
    auto found = text(name);
    const auto* member = value_.find(name);
    const bool reported = problems_.size() > before || (member != nullptr && member->broken);
    if (found.empty() && !reported) fail(line_of(name), "", name + " is needed");
    return found;
  }
  bool flag(const std::string& name, bool fallback) {
    const auto given = text(name);
    return given.empty() ? fallback : boolean(given, line_of(name), "." + name, fallback);
  }
  bool boolean(const std::string& given, int line, const std::string& member, bool fallback) {
    KeyInfo key;
    key.type = KeyType::boolean;
    const auto value = parse_key(key, given);
    if (!value) fail(line, member, value.error());
    return value ? value->text == "true" : fallback;
  }
  std::int64_t integer(const std::string& name, std::int64_t fallback, std::int64_t minimum,
                       std::int64_t maximum) {
    const auto given = text(name);
    return given.empty() ? fallback : number(given, line_of(name), "." + name, fallback, minimum, maximum);
  }
  std::int64_t number(const std::string& given, int line, const std::string& member, std::int64_t fallback,
                      std::int64_t minimum, std::int64_t maximum) {
    KeyInfo key;
    key.type = KeyType::integer;
    key.minimum = minimum;
    key.maximum = maximum;
    const auto value = parse_key(key, given);
    if (!value) fail(line, member, value.error());
    return value ? std::stoll(value->text) : fallback;
  }
  std::string choice(const std::string& name, std::string fallback, const std::vector<std::string>& choices) {
    auto given = text(name, fallback);
    if (std::find(choices.begin(), choices.end(), given) != choices.end()) return given;
    std::string list;
    for (const auto& option : choices) list += " " + option;
    fail(line_of(name), "." + name, "must be one of" + list);
    return fallback;
  }
  const FileValue* map(const std::string& name) {
    used_.push_back(name);
    const auto* found = value_.find(name);
    if (found != nullptr && !found->is_map) {
      fail(found->line, "." + name, "must be a mapping");
      return nullptr;
    }
    return found;
  }
  void refuse_unknown() {
    for (const auto& [name, value] : value_.members) {
      if (std::find(used_.begin(), used_.end(), name) == used_.end())
        fail(value.line, "." + name, "unknown member");
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
  std::vector<ConfigProblem>& problems_;
  std::vector<std::string> used_;
};

void read_pool(Members& members, const Config& defaults, contract::PoolLimits& pool) {
  pool = defaults.pool;
  const auto* map = members.map("pool");
  if (map == nullptr) return;
  Config scratch;
  scratch.pool = defaults.pool;
  for (const auto& [name, value] : map->members) {
    const auto* key = find_key("pool", name);
    if (key == nullptr || name == "process_max_connections") {
      members.fail(value.line, ".pool." + name, "unknown member");
      continue;
    }
    if (value.is_map || value.is_list) {
      members.fail(value.line, ".pool." + name, "must be " + accepted(*key));
    } else if (auto parsed = parse_key(*key, value.text); !parsed) {
      members.fail(value.line, ".pool." + name, parsed.error());
    } else {
      apply_value(scratch, *key, *parsed);
    }
  }
  pool = scratch.pool;
}

void read_host_labels(Members& members, const FileValue& labels, ClientDefinition& definition) {
  constexpr const char* kWrong = "a label has 1 to 63 characters of a-z, 0-9, _ and -";
  if (!labels.is_list) return members.fail(labels.line, ".metadata.host_labels", "must be a list");
  for (const auto& item : labels.items) {
    auto label = base::lower_case(item.text);
    const bool form = !label.empty() && label.size() <= 63 &&
                      label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
    if (!form) {
      members.fail(item.line, ".metadata.host_labels", kWrong);
    } else {
      definition.host_labels.push_back(std::move(label));
    }
  }
}

void read_metadata(Members& members, ClientDefinition& definition) {
  const auto* metadata = members.map("metadata");
  if (metadata == nullptr) return;
  if (const auto* labels = metadata->find("host_labels")) read_host_labels(members, *labels, definition);
  if (const auto* capabilities = metadata->find("capabilities")) {
    if (!capabilities->is_map)
      members.fail(capabilities->line, ".metadata.capabilities", "must be a mapping");
    for (const auto& [name, value] : capabilities->members) {
      const auto member = ".metadata.capabilities." + name;
      const auto capability = contract::capability_from_name(name);
      if (!capability) {
        members.fail(value.line, member, "unknown capability");
      } else if (!members.boolean(value.text, value.line, member, true)) {
        definition.capabilities.set(*capability, false);  // a flag can only be switched off
      }
    }
  }
  if (const auto* limits = metadata->find("limits")) {
    if (!limits->is_map) members.fail(limits->line, ".metadata.limits", "must be a mapping");
    const auto read = [&](const char* name, std::optional<std::int64_t>& target) {
      const auto* value = limits->find(name);
      if (value != nullptr)
        target = members.number(value->text, value->line, std::string(".metadata.limits.") + name, 1, 1,
                                1000000000000);
    };
    read("max_rows", definition.limits.max_rows);
    read("timeout_ms", definition.limits.timeout_ms);
  }
}

contract::PostgresConnection read_postgres(Members& members, const Config& config) {
  contract::PostgresConnection connection;
  const std::string member = !members.given("uri") && members.given("pg_uri") ? "pg_uri" : "uri";
  connection.uri = members.needed(member);
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
  connection.path = members.needed("path");
  connection.create = members.flag("create", true);
  connection.read_only = members.flag("read_only", false);
  connection.busy_timeout_ms = static_cast<int>(members.integer("busy_timeout_ms", 5000, 0, 600000));
  connection.synchronous_full = members.choice("synchronous", "full", {"full", "normal"}) == "full";
  connection.readers = static_cast<int>(members.integer("readers", 4, 1, 32));
  return connection;
}

/// Absolute SQLite paths must lie below one of engines.sqlite_allowed_dirs; relative ones must not leave the
/// data folder.
std::string path_problem(const std::string& given, const std::vector<std::string>& allowed_dirs) {
  namespace fs = std::filesystem;
  if (given.empty() || given == ":memory:") return {};
  if (!given.starts_with('/')) {
    return fs::path(given).lexically_normal().string().starts_with("..")
               ? "a relative path must stay in the data folder"
               : "";
  }
  std::error_code error;
  const auto path = fs::weakly_canonical(given, error).string();
  const bool allowed = std::any_of(allowed_dirs.begin(), allowed_dirs.end(), [&](const auto& folder) {
    std::error_code folder_error;
    const auto root = fs::weakly_canonical(folder, folder_error).string();
    return path.starts_with(root.ends_with('/') ? root : root + "/");
  });
  return allowed ? "" : "an absolute path must lie below a folder of engines.sqlite_allowed_dirs";
}

/// Reads one client; nothing when it is not usable (which is reported then).
void read_connection(Members& members, const Config& config, const FileValue& entry,
                     const std::string& engine_text, ClientDefinition& definition) {
  if (definition.engine == Engine::postgresql) {
    auto connection = read_postgres(members, config);
    if (engine_text == "neon" && entry.find("sslmode") == nullptr) connection.sslmode = "require";
    if (!connection.uri.empty()) {
      if (const auto target = postgres::parse_target(connection); !target)
        members.fail(members.line_of(members.given("uri") ? "uri" : "pg_uri"), ".uri", target.error().text());
    }
    definition.connection = std::move(connection);
    return;
  }
  auto connection = read_sqlite(members);
  if (auto problem = path_problem(connection.path, config.sqlite_allowed_dirs); !problem.empty())
    members.fail(members.line_of("path"), ".path", problem);
  definition.connection = std::move(connection);
}

}  // namespace

std::optional<ClientDefinition> read_client(const ClientEntry& client, const Config& config,
                                            const Environment& environment,
                                            std::vector<ConfigProblem>& problems) {
  const auto& entry = client.value;
  const auto& client_name = client.client_name;
  Members members(entry, client.where, client.path, environment, problems);
  if (auto good = contract::check_client_name(client_name); !good) {
    members.fail(members.line_of(""), "", good.error().text());
    return std::nullopt;
  }
  ClientDefinition definition;
  definition.client_name = client_name;
  auto engine_text = members.text("engine");
  if (client.is_postgres) engine_text = "postgresql";
  const auto engine = contract::engine_from_name(engine_text);
  if (!engine || (*engine != Engine::postgresql && *engine != Engine::sqlite)) {
    const auto shown_name = printable(engine_text, 64);
    members.fail(members.line_of("engine"), engine_text.empty() ? "" : ".engine",
                 engine_text.empty() ? "engine is needed"
                 : engine            ? shown_name + " is not built into this version"
                                     : "unknown engine " + shown_name);
    return std::nullopt;
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
  read_connection(members, config, entry, engine_text, definition);
  members.refuse_unknown();
  return definition;
}

}  // namespace athena::app
