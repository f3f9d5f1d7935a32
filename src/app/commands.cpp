#include "app/commands.h"

#include <cstdio>
#include <filesystem>

#include "api/json_builder.h"
#include "app/data_dir.h"
#include "app/log.h"
#include "app/server.h"
#include "engines/sqlite/sample.h"

namespace athena::app {

std::string_view compiler() {
  return "clang " __clang_version__;
}

int report(const std::string& problem, int code) {
  std::fprintf(stderr, "%s\n", problem.c_str());
  return code;
}

int print(const std::string& text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? kDone : report("stdout cannot be written", kFailed);
}

int server_command(const ConfigRequest& request, const Environment& environment) {
  auto effective = request;
  effective.write_default = true;
  auto config = load_config(effective, environment);
  if (!config) return report(config.error(), kBadConfiguration);
  if (auto opened = open_log(config->log); !opened) return report(opened.error(), kCannotStart);
  for (const auto& note : config->notes) log_info(note);
  ServerOptions options;
  options.data_dir = choose_data_dir(*config, environment);
  options.read_config = [request, environment](const Config& running) {
    return reload_config(request, environment.refreshed(), running);
  };
  return run_server(std::move(*config), options, environment);
}

int dev_command(ConfigRequest request, const DevOptions& options, const Environment& environment) {
  request.no_file = true;
  auto config = load_config(request, environment);
  if (!config) return report(config.error(), kBadConfiguration);
  if (request.log_level.empty()) config->log.level = "debug";
  if (auto opened = open_log(config->log); !opened) return report(opened.error(), kCannotStart);
  config->http.bind = {"127.0.0.1"};
  config->api.cors_loopback = true;

  ServerOptions server;
  server.data_dir = request.data_dir.empty() ? ".athena-dev" : request.data_dir;
  server.enforce_beyond_loopback = false;
  std::error_code error;
  if (options.fresh) std::filesystem::remove_all(server.data_dir, error);
  if (auto prepared = prepare_data_dir(server.data_dir); !prepared)
    return report(prepared.error(), kCannotStart);
  // With clients of the reader's own there is no sample: the default client alone holds it.
  const auto* local = std::get_if<contract::SqliteConnection>(&config->clients.front().connection);
  const bool sample = !options.no_sample && local != nullptr && local->path == "local.db";
  if (sample) {
    if (auto made = sqlite::create_sample(server.data_dir + "/sqlite/local.db"); !made) {
      return report("The sample database cannot be made: " + made.error().text(), kCannotStart);
    }
  }
  server.on_listening = [sample, homes = store_homes(*config, server.data_dir),
                         most = config->control.max_api_keys](std::uint16_t port,
                                                              const std::string& admin_key) {
    const auto base = "http://127.0.0.1:" + std::to_string(port);
    std::string text = "\nAthena is running on " + base + "\n";
    if (!admin_key.empty()) text += "Admin key: " + admin_key + "\n";
    if (const auto key = make_dev_key(homes, most); !key.empty()) text += "API key:   " + key + "\n";
    if (sample) {
      const auto curl = [&](const std::string& path, const std::string& body) {
        return "  curl -s " + base + path + " -H 'X-Athena-Client: local' -d '" + body + "'\n";
      };
      text +=
          "\nTry:\n" +
          curl("/gateway/fetch", R"({"table_name":"customers","columns":"id,first_name,city","limit":3})") +
          curl(
              "/gateway/fetch",
              R"({"table_name":"orders","conditions":[{"eq_column":"status","eq_value":"shipped"}],"sort_by":{"field":"id","direction":"descending"},"limit":2})") +
          "  curl -s '" + base + "/schema/tables' -H 'X-Athena-Client: local'\n\n";
    }
    print(text);
  };
  return run_server(std::move(*config), server, environment);
}

int version_command(bool json) {
  if (!json) return print(std::string(version()) + "\n");
  base::Buffer out;
  api::JsonBuilder(out)
      .begin_object()
      .member("version", version())
      .member("revision", revision())
      .member("compiler", compiler())
      .end_object();
  out.push_back('\n');
  return print(std::string(out.view()));
}

}  // namespace athena::app
