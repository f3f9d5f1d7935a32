#include "app/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/config_clients.h"
#include "app/config_file.h"
#include "app/config_keys.h"
#include "contract/error.h"

namespace athena::app {
namespace {

using Errors = std::vector<std::string>;

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return result;
}

std::string join(const Errors& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string lookup_failure(const std::vector<LookupPlace>& places, const std::string& cause) {
  std::string text = "Failed to load config 'config.yaml': " + cause + ". Looked in:";
  for (const auto& place : places) text += "\n- " + place.label + " (" + place.path + "): " + place.state;
  return text;
}

/// Writes the sample where it can; the place, or none.
const LookupPlace* write_sample(const std::vector<LookupPlace>& places) {
  for (const auto& place : places) {
    if (place.path.empty()) continue;
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(place.path).parent_path(), error);
    const int file = open(place.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) continue;
    const auto text = sample_config();
    const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    close(file);
    if (written) return &place;
    unlink(place.path.c_str());
  }
  return nullptr;
}

/// Decides which file is read. The path is empty when there is none.
base::Result<void, std::string> find_file(const ConfigRequest& request, const Environment& environment,
                                          Config& config) {
  auto named = request.config_path;
  if (named.empty()) named = environment.get("ATHENA_CONFIG_PATH").value_or("");
  if (!named.empty()) {
    config.source = named;
    config.source_label = request.config_path.empty() ? "ATHENA_CONFIG_PATH" : "--config";
    return {};
  }
  if (request.no_file) return {};
  const auto places = lookup_places(environment);
  const auto usable = std::find_if(places.begin(), places.end(), [](const auto& place) {
    return place.state == "found" || place.state.starts_with("not readable");
  });
  if (usable != places.end()) {
    if (usable->state != "found") return lookup_failure(places, usable->state);
    config.source = usable->path;
    config.source_label = usable->label;
    return {};
  }
  if (!request.write_default) return {};
  if (const auto* place = write_sample(places)) {
    config.source = place->path;
    config.source_label = place->label;
    config.warnings.push_back("Wrote default configuration to " + place->path + " (" + place->label + ")");
  } else {
    config.warnings.push_back(
        lookup_failure(places, "no place is writable, so the built-in defaults are used"));
  }
  return {};
}

void report_unknown(Config& config, bool strict, Errors& errors, const std::string& what,
                    std::string_view nearest) {
  auto line = what + (nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?");
  (strict ? errors : config.warnings).push_back(std::move(line));
}

std::string nearest_key(std::string_view section, std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& key : config_keys()) {
    if (key.section == section) names.push_back(key.name);
  }
  const auto near = contract::near_names(name, names);
  return near.empty() ? std::string() : std::string(section) + "." + near.front();
}

void read_admin_keys(const FileValue& value, const std::string& path, Config& config, Errors& errors) {
  for (const auto& [name, digest] : value.members) {
    const bool hex =
        digest.text.size() == 64 && digest.text.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!hex) {
      errors.push_back(path + ":" + std::to_string(digest.line) + ": api.admin_keys." + name +
                       ": must be the SHA-256 of the key, 64 lower-case hex digits");
    } else {
      config.admin_keys[name] = digest.text;
    }
  }
}

void apply_file(const ConfigFile& file, const std::string& path, bool strict, Config& config,
                Errors& errors) {
  for (const auto& [section, entries] : file.sections) {
    if (section == "clients" || section == "postgres_clients") continue;
    if (!is_known_section(section)) {
      std::vector<std::string_view> names{"api",     "gateway",         "pool", "engines", "log",
                                          "clients", "postgres_clients"};
      const auto near = contract::near_names(section, names);
      report_unknown(config, strict, errors, path + ": unknown section " + section,
                     near.empty() ? "" : near.front());
      continue;
    }
    for (const auto& [name, value] : entries) {
      const auto where = path + ":" + std::to_string(value.line) + ": " + section + "." + name;
      if (section == "api" && name == "admin_keys") {
        read_admin_keys(value, path, config, errors);
        continue;
      }
      const auto* key = find_key(section, name);
      if (key == nullptr) {
        report_unknown(config, strict, errors, where + ": unknown key", nearest_key(section, name));
      } else if (value.is_map || (value.is_list && key->type != KeyType::list)) {
        errors.push_back(where + ": must be " + accepted(*key));
      } else if (!value.text.empty()) {
        if (auto applied = apply_key(config, *key, value.text); !applied)
          errors.push_back(where + ": " + applied.error());
      }
    }
  }
}

void apply_environment(const Environment& environment, Config& config, Errors& errors) {
  const auto apply = [&](const std::string& variable, const KeyInfo& key) {
    const auto value = environment.get(variable);
    if (!value) return;
    if (auto applied = apply_key(config, key, *value); !applied)
      errors.push_back("$" + variable + ": " + applied.error());
  };
  // Named variables are weaker than ATHENA_<SECTION>_<KEY>.
  apply("PORT", *find_key("api", "port"));
  apply("ATHENA_LOG_LEVEL", *find_key("log", "level"));
  static constexpr std::array<std::pair<const char*, const char*>, 6> kPool{{
      {"MAX_CONNECTIONS", "max_connections"},
      {"MIN_CONNECTIONS", "min_connections"},
      {"ACQUIRE_TIMEOUT_SECS", "acquire_timeout_seconds"},
      {"IDLE_TIMEOUT_SECS", "idle_timeout_seconds"},
      {"MAX_LIFETIME_SECS", "max_lifetime_seconds"},
      {"TEST_BEFORE_ACQUIRE", "test_before_acquire"},
  }};
  for (const auto& [suffix, name] : kPool)
    apply(std::string("ATHENA_PG_POOL_") + suffix, *find_key("pool", name));
  for (const auto& key : config_keys()) apply("ATHENA_" + upper(key.section) + "_" + upper(key.name), key);
}

/// Absolute SQLite paths must lie below one of engines.sqlite_allowed_dirs; relative ones must not leave the
/// data folder.
void check_sqlite_paths(const Config& config, Errors& errors) {
  namespace fs = std::filesystem;
  for (const auto& client : config.clients) {
    const auto* connection = std::get_if<contract::SqliteConnection>(&client.connection);
    if (connection == nullptr || connection->path == ":memory:" || connection->path.empty()) continue;
    std::error_code error;
    const auto path = fs::weakly_canonical(connection->path, error);
    const bool relative = !connection->path.starts_with('/');
    if (relative) {
      const auto normal = fs::path(connection->path).lexically_normal().string();
      if (normal.starts_with("..")) {
        errors.push_back("clients." + client.client_name +
                         ".path: a relative path must stay in the data folder");
      }
      continue;
    }
    const bool allowed = std::any_of(
        config.sqlite_allowed_dirs.begin(), config.sqlite_allowed_dirs.end(), [&](const auto& folder) {
          std::error_code folder_error;
          const auto root = fs::weakly_canonical(folder, folder_error).string();
          return path.string().starts_with(root.ends_with('/') ? root : root + "/");
        });
    if (!allowed) {
      errors.push_back("clients." + client.client_name +
                       ".path: an absolute path must lie below a folder of engines.sqlite_allowed_dirs");
    }
  }
}

void apply_command_line(const ConfigRequest& request, Config& config, Errors& errors) {
  const auto apply = [&](const char* flag, const KeyInfo& key, const std::string& value) {
    if (auto applied = apply_key(config, key, value); !applied)
      errors.push_back(std::string(flag) + ": " + applied.error());
  };
  if (request.port) apply("--port", *find_key("api", "port"), std::to_string(*request.port));
  if (request.bind) apply("--bind", *find_key("api", "bind"), *request.bind);
  if (!request.log_level.empty()) apply("--log-level", *find_key("log", "level"), request.log_level);
  if (!request.data_dir.empty()) config.data_dir = request.data_dir;
}

}  // namespace

base::Result<Config, std::string> load_config(const ConfigRequest& request, const Environment& environment) {
  Config config;
  if (auto found = find_file(request, environment, config); !found) return found.error();
  const bool strict =
      request.strict || http::header_is_true(environment.get("ATHENA_CONFIG_STRICT").value_or(""));
  Errors errors;
  ConfigFile file;
  if (!config.source.empty()) {
    std::ifstream stream(config.source, std::ios::binary);
    if (!stream) {
      const int reason = errno;
      return "Failed to load config '" + config.source + "': " + std::strerror(reason);
    }
    std::ostringstream text;
    text << stream.rdbuf();
    file = parse_config_file(config.source, text.str(), environment, errors);
    apply_file(file, config.source, strict, config, errors);
  }
  apply_environment(environment, config, errors);
  apply_command_line(request, config, errors);
  read_clients(file, config.source, environment, config, errors);
  check_sqlite_paths(config, errors);
  if (!errors.empty()) return "The configuration has mistakes:\n" + join(errors);
  if (config.clients.empty()) {
    contract::ClientDefinition local;
    local.client_name = "local";
    local.engine = contract::Engine::sqlite;
    local.capabilities = contract::engine_capabilities(local.engine);
    local.connection = contract::SqliteConnection{.path = "local.db"};
    config.clients.push_back(std::move(local));
  }
  return config;
}

void resolve_sqlite_paths(Config& config, const std::string& data_dir) {
  for (auto& client : config.clients) {
    auto* connection = std::get_if<contract::SqliteConnection>(&client.connection);
    if (connection == nullptr || connection->path == ":memory:" || connection->path.starts_with('/'))
      continue;
    connection->path = data_dir + "/sqlite/" + connection->path;
  }
}

std::string sample_config() {
  std::string text =
      "# Configuration of Athena. Every key stands here with its default; uncomment what you change.\n"
      "# A PostgreSQL client takes three lines:\n"
      "#\n"
      "# postgres_clients:\n"
      "#   shop:\n"
      "#     uri: \"postgres://user:${SHOP_PASSWORD}@localhost:5432/shop\"\n";
  std::string_view section;
  for (const auto& key : config_keys()) {
    if (key.section != section) {
      section = key.section;
      text += "\n" + std::string(section) + ":\n";
      if (section == "api") {
        text +=
            "  port: 4052\n  cors_allowed_origins: [\"http://localhost:3000\", \"http://localhost:3001\"]\n";
      }
    }
    const bool written = section == "api" && (key.name == "port" || key.name == "cors_allowed_origins");
    text += "  # " + std::string(key.meaning) + " " +
            (key.type == KeyType::text || key.type == KeyType::list ? "" : "Takes " + accepted(key) + ".") +
            "\n";
    if (!written)
      text += "  # " + std::string(key.name) + ": " +
              (key.default_text.empty() ? "\"\"" : std::string(key.default_text)) + "\n";
  }
  return text;
}

}  // namespace athena::app
