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
#include "app/config_sources.h"

namespace athena::app {
namespace {

constexpr const char* kByFlag = "--config";
constexpr const char* kByVariable = "ATHENA_CONFIG_PATH";
constexpr std::size_t kMaxFileBytes = 1024UL * 1024;

std::string lookup_failure(const std::vector<LookupPlace>& places, const std::string& cause) {
  std::string text = "Failed to load config 'config.yaml': " + cause + ". Looked in:";
  for (const auto& place : places) text += "\n- " + place.label + " (" + place.shown + "): " + place.state;
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
    config.source_label = request.config_path.empty() ? kByVariable : kByFlag;
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
    config.notes.push_back("Wrote default configuration to " + place->path + " (" + place->label + ")");
  } else {
    config.warnings.push_back(
        lookup_failure(places, "no place is writable, so the built-in defaults are used"));
  }
  return {};
}

/// Reads at most `limit` + 1 bytes; pipes are fine, folders are not.
base::Result<void, std::string> read_file(const std::string& path, std::size_t limit, std::string& text) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::string(std::strerror(errno));
  std::array<char, 65536> chunk{};
  ssize_t size = 0;
  while (text.size() <= limit && (size = read(file, chunk.data(), chunk.size())) > 0)
    text.append(chunk.data(), static_cast<std::size_t>(size));
  const int reason = errno;
  close(file);
  if (size < 0) return std::string(std::strerror(reason));
  return {};
}

/// What one value alone doesn't show.
void check_together(const Config& config, std::vector<ConfigProblem>& problems) {
  const auto effective = [&](std::string_view name) -> const EffectiveKey& {
    return config.values[index_of(*find_key(name))];
  };
  const auto& cert = effective("api.tls_cert_file");
  const auto& key = effective("api.tls_key_file");
  if (cert.value.text.empty() != key.value.text.empty()) {
    const auto& given = cert.value.text.empty() ? key : cert;
    problems.push_back({given.origin, "api.tls_cert_file",
                        "certificate and key (api.tls_key_file) are given both or not at all"});
  }
  if (config.http.bind.empty() && config.http.unix_socket.empty())
    problems.push_back(
        {effective("api.bind").origin, "api.bind", "without api.unix_socket there is nothing to listen on"});
}

}  // namespace

std::string ConfigProblem::text() const {
  std::string line = where;
  if (!key.empty()) line += (line.empty() ? "" : ": ") + key;
  return line + (line.empty() ? "" : ": ") + what;
}

LoadedConfig read_config(const ConfigRequest& request, const Environment& environment) {
  LoadedConfig loaded;
  auto& config = loaded.config;
  auto& problems = loaded.problems;
  if (auto found = find_file(request, environment, config); !found) {
    problems.push_back({"", "", found.error()});
    return loaded;
  }
  ConfigFile file;
  if (!config.source.empty()) {
    std::string text;
    if (auto read = read_file(config.source, kMaxFileBytes, text); !read) {
      problems.push_back({"", "", "Failed to load config '" + config.source + "': " + read.error()});
      return loaded;
    }
    file = parse_config_file(config.source, text, environment, problems);
    // A file that is no configuration at all ends the search; the operator may have meant another one.
    const auto whole = std::find_if(problems.begin(), problems.end(),
                                    [](const ConfigProblem& problem) { return problem.key.empty(); });
    if (whole != problems.end()) {
      const auto cause = whole->text();
      const bool named = config.source_label == kByFlag || config.source_label == kByVariable;
      problems = {{"", "",
                   named ? "Failed to load config '" + config.source + "': " + cause
                         : lookup_failure(lookup_places(environment), cause)}};
      return loaded;
    }
  }
  ConfigSources sources(config, problems);
  sources.add_file(file, config.source);
  sources.add_environment(environment);
  sources.add_command_line(request);
  sources.finish(file, config.source);
  read_clients(file, config.source, environment, config, problems);
  check_together(config, problems);
  return loaded;
}

base::Result<Config, std::string> load_config(const ConfigRequest& request, const Environment& environment) {
  auto loaded = read_config(request, environment);
  if (loaded.problems.empty()) return std::move(loaded.config);
  return problems_text(loaded.problems);
}

std::string problems_text(const std::vector<ConfigProblem>& problems) {
  if (problems.size() == 1 && problems.front().where.empty() && problems.front().key.empty())
    return problems.front().what;
  std::string text = "The configuration has mistakes:";
  for (const auto& problem : problems) text += "\n" + problem.text();
  return text;
}

base::Result<Config, std::string> reload_config(const ConfigRequest& request, const Environment& environment,
                                                const Config& running) {
  auto again = request;
  again.write_default = false;
  if (!running.source.empty()) again.config_path = running.source;
  auto fresh = load_config(again, environment);
  if (fresh) fresh->source_label = running.source_label;
  return fresh;
}

std::vector<std::string> changed_but_not_reloadable(const Config& running, const Config& fresh) {
  std::vector<std::string> names;
  for (const auto& key : config_keys()) {
    const auto index = index_of(key);
    if (key.reloadable || key.state != KeyState::in_use) continue;
    if (running.values[index].value != fresh.values[index].value) names.push_back(key.full_name());
  }
  return names;
}

void resolve_sqlite_paths(Config& config, const std::string& data_dir) {
  for (auto& client : config.clients) {
    auto* connection = std::get_if<contract::SqliteConnection>(&client.connection);
    if (connection != nullptr) resolve_sqlite_path(*connection, data_dir);
  }
}

void resolve_sqlite_path(contract::SqliteConnection& connection, const std::string& data_dir) {
  if (connection.path == ":memory:" || connection.path.starts_with('/')) return;
  connection.path = data_dir + "/sqlite/" + connection.path;
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
    if (key.state != KeyState::in_use) continue;
    if (key.section != section) {
      section = key.section;
      text += "\n" + std::string(section) + ":\n";
      if (section == "api") {
        text +=
            "  port: 4052\n  cors_allowed_origins: [\"http://localhost:3000\", \"http://localhost:3001\"]\n";
      }
    }
    const bool written = section == "api" && (key.name == "port" || key.name == "cors_allowed_origins");
    const bool takes =
        key.type == KeyType::boolean || key.type == KeyType::integer || key.type == KeyType::choice;
    text += "  # " + std::string(key.meaning) + (takes ? " Takes " + accepted(key) + "." : "") + "\n";
    if (written) continue;
    const auto fallback = key.type == KeyType::list  ? "[" + std::string(key.default_text) + "]"
                          : key.type == KeyType::map ? std::string("{}")
                          : key.default_text.empty() ? std::string("\"\"")
                                                     : std::string(key.default_text);
    text += "  # " + std::string(key.name) + ": " + fallback + "\n";
  }
  return text;
}

}  // namespace athena::app
