#include "app/commands.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <clocale>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <thread>

#include "api/json_builder.h"
#include "app/data_dir.h"
#include "app/log.h"
#include "app/server.h"
#include "app/tools.h"
#include "engines/sqlite/sample.h"

namespace athena::app {
namespace {

constexpr const char* kCompiler = "clang " __clang_version__;

int report(const std::string& problem, int code) {
  std::fprintf(stderr, "%s\n", problem.c_str());
  return code;
}

/// GET of an http:// URL; the status, or 0 when nothing answered in time.
int probe(const std::string& url, int timeout_seconds) {
  namespace asio = boost::asio;
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return 0;
  const auto rest = url.substr(kScheme.size());
  const auto slash = rest.find('/');
  const auto authority = rest.substr(0, slash);
  const auto path = slash == std::string::npos ? std::string("/") : rest.substr(slash);
  const auto colon = authority.rfind(':');
  const auto host = authority.substr(0, colon);
  const auto port = colon == std::string::npos ? std::string("80") : authority.substr(colon + 1);

  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  asio::ip::tcp::resolver resolver(context);
  int status = 0;
  std::string answer;
  const auto request = "GET " + path + " HTTP/1.1\r\nHost: " + authority + "\r\nConnection: close\r\n\r\n";
  resolver.async_resolve(host, port, [&](const auto& resolve_error, const auto& results) {
    if (resolve_error) return;
    asio::async_connect(socket, results, [&](const auto& connect_error, const auto&) {
      if (connect_error) return;
      asio::async_write(socket, asio::buffer(request), [&](const auto& write_error, std::size_t) {
        if (write_error) return;
        asio::async_read(socket, asio::dynamic_buffer(answer, 4096), asio::transfer_at_least(12),
                         [&](const auto&, std::size_t) {
                           if (answer.size() >= 12 && answer.starts_with("HTTP/1."))
                             std::from_chars(answer.data() + 9, answer.data() + 12, status);
                         });
      });
    });
  });
  context.run_for(std::chrono::seconds(timeout_seconds));
  return status;
}

}  // namespace

int server_command(const ConfigRequest& request, const Environment& environment) {
  auto effective = request;
  effective.write_default = true;
  auto config = load_config(effective, environment);
  if (!config) return report(config.error(), kBadConfiguration);
  if (auto opened = open_log(config->log); !opened) return report(opened.error(), kCannotStart);
  ServerOptions options;
  options.data_dir = choose_data_dir(*config, request, environment);
  options.read_config = [request, environment] { return load_config(request, environment); };
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
  server.on_listening = [sample](std::uint16_t port, const std::string& admin_key) {
    const auto base = "http://127.0.0.1:" + std::to_string(port);
    std::string text = "\nAthena is running on " + base + "\n";
    if (!admin_key.empty()) text += "Admin key: " + admin_key + "\n";
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
    std::cout << text << std::flush;
  };
  return run_server(std::move(*config), server, environment);
}

int diag_command(const ConfigRequest& request, const DiagOptions& options, const Environment& environment) {
  if (!options.probe.empty()) {
    const int status = probe(options.probe, options.timeout_seconds);
    return status >= 200 && status < 300 ? kDone : kFailed;
  }
  Config config;
  auto loaded = load_config(request, environment);
  if (loaded) config = std::move(*loaded);
  utsname system{};
  uname(&system);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const auto needed =
      static_cast<std::int64_t>(config.http.max_connections) + config.gateway.process_max_connections + 64;
  const char* locale = std::setlocale(LC_ALL, nullptr);

  base::Buffer out;
  api::JsonBuilder json(out);
  json.begin_object().member("os", system.sysname).member("arch", system.machine).member("family", "unix");
  json.member("cpu_count", static_cast<std::int64_t>(std::thread::hardware_concurrency()));
  json.member("version", version()).member("revision", revision()).member("compiler", kCompiler);
  json.member("hostname", system.nodename).member("locale", locale == nullptr ? "" : locale);
  json.member("config_path", config.source).member("data_dir", choose_data_dir(config, request, environment));
  if (!loaded) json.member("config_error", loaded.error());
  json.key("tools").begin_object();
  json.member("pg_dump", tool_version("pg_dump"))
      .member("pg_restore", tool_version("pg_restore"))
      .end_object();
  json.key("open_files").begin_object().member("soft", static_cast<std::int64_t>(files.rlim_cur));
  json.member("hard", static_cast<std::int64_t>(files.rlim_max)).member("needed", needed).end_object();
  json.end_object();
  out.push_back('\n');
  std::cout << out.view();
  return kDone;
}

int version_command(bool json) {
  if (!json) {
    std::cout << version() << "\n";
    return kDone;
  }
  base::Buffer out;
  api::JsonBuilder(out)
      .begin_object()
      .member("version", version())
      .member("revision", revision())
      .member("compiler", kCompiler)
      .end_object();
  out.push_back('\n');
  std::cout << out.view();
  return kDone;
}

}  // namespace athena::app
