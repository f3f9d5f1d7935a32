#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/commands.h"
#include "app/server.h"

namespace {

using athena::app::ConfigRequest;
using athena::app::DevOptions;
using athena::app::DiagOptions;
using athena::app::Environment;
using athena::app::kDone;
using athena::app::kUsage;

/// Flags that are accepted before or after the command.
void add_global_flags(CLI::App& app, ConfigRequest& request, bool& no_dotenv) {
  app.add_option("--config,--config-path", request.config_path, "Configuration file");
  app.add_option("--port", request.port, "Port to listen on")->check(CLI::Range(0, 65535));
  app.add_option("--data-dir", request.data_dir, "Folder for what the gateway keeps");
  app.add_option("--log-level", request.log_level, "trace, debug, info, warn, error or off");
  app.add_flag("--strict", request.strict, "Unknown configuration keys are errors");
  app.add_flag("--no-dotenv", no_dotenv, "Do not read .env");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Athena, a database gateway", "athena");
  app.fallthrough();
  ConfigRequest request;
  bool no_dotenv = false;
  bool api_only = false;
  bool print_version = false;
  add_global_flags(app, request, no_dotenv);
  app.add_flag("--api-only", api_only, "The same as the command server");
  app.add_flag("-V,--version", print_version, "Print the version");

  auto* server = app.add_subcommand("server", "Run the gateway until a signal");
  server->add_option("--bind", request.bind, "Addresses to listen on, comma separated");

  DevOptions dev_options;
  auto* dev = app.add_subcommand("dev", "Run a gateway with a sample database in ./.athena-dev");
  dev->add_flag("--fresh", dev_options.fresh, "Empty the folder first");
  dev->add_flag("--no-sample", dev_options.no_sample, "Without the sample tables");

  DiagOptions diag_options;
  auto* diag = app.add_subcommand("diag", "Print facts about this machine and the configuration as JSON");
  diag->add_flag("--offline", diag_options.offline, "Connect nowhere");
  diag->add_option("--probe", diag_options.probe, "Only ask this http:// URL; exit 0 if it answers 2xx");
  diag->add_option("--timeout", diag_options.timeout_seconds, "Seconds to wait for the probe")
      ->check(CLI::Range(1, 300));

  bool json = false;
  auto* version_subcommand = app.add_subcommand("version", "Print the version");
  version_subcommand->add_flag("--json", json, "With revision and compiler");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s\nRun \"athena --help\" for the commands and flags.\n", error.what());
    return kUsage;
  }
  if (print_version) {
    std::printf("athena %s\n", std::string(athena::app::version()).c_str());
    return kDone;
  }
  if (*version_subcommand) return athena::app::version_command(json);

  const auto environment = Environment::capture(!no_dotenv);
  if (*server || api_only) return server_command(request, environment);
  if (*dev) return dev_command(request, dev_options, environment);
  if (*diag) return diag_command(request, diag_options, environment);
  std::fprintf(stderr, "No command given. Use \"athena server\", or \"athena --help\".\n");
  return kUsage;
}
