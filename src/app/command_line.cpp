#include "app/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>

#include "app/clients_file.h"
#include "app/commands.h"
#include "app/config_dump.h"
#include "app/server.h"

namespace athena::app {
namespace {

/// Everything that flags and arguments are read into.
struct Parsed {
  ConfigRequest request;
  bool no_dotenv = false;
  bool api_only = false;
  bool print_version = false;
  bool json = false;
  DevOptions dev;
  DiagOptions diag;
  ConfigDumpOptions dump;
  std::string key;
  ClientsOptions clients;
  FetchOptions fetch;
  KeysOptions keys;
  ProvisionOptions provision;
  StoreOptions store;
  std::string shell;
  bool interruptible = true;                      ///< ends with 130 on Ctrl-C; the servers drain instead
  std::function<int(const Environment&)> action;  ///< of the command that was named
};

/// Flags that are accepted before or after the command.
void add_global_flags(CLI::App& app, Parsed& parsed) {
  auto& request = parsed.request;
  app.add_option("--config,--config-path", request.config_path, "Configuration file")->type_name("PATH");
  app.add_option("--port", request.port, "Port to listen on; 0 = any free one")
      ->check(CLI::Range(0, 65535))
      ->type_name("N");
  app.add_option("--data-dir", request.data_dir, "Folder for what the gateway keeps")->type_name("DIR");
  app.add_option("--log-level", request.log_level, "Least level that is logged")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->type_name("LEVEL");
  app.add_flag("--strict", request.strict, "Unknown configuration keys are errors");
  app.add_flag("--no-dotenv", parsed.no_dotenv, "Do not read .env");
  app.add_flag("--api-only", parsed.api_only, "The same as the command server");
  app.add_flag("-V,--version", parsed.print_version, "Print the version");
}

void add_servers(CLI::App& app, Parsed& parsed) {
  auto* server = app.add_subcommand("server", "Run the gateway until a signal");
  server->add_option("--bind", parsed.request.bind, "Addresses to listen on, comma separated")
      ->type_name("LIST");
  const auto run_server_command = [&parsed] {
    parsed.interruptible = false;
    parsed.action = [&parsed](const Environment& environment) {
      return server_command(parsed.request, environment);
    };
  };
  server->callback(run_server_command);

  auto* dev = app.add_subcommand("dev", "Run a gateway with a sample database in ./.athena-dev");
  dev->add_flag("--fresh", parsed.dev.fresh, "Empty the folder first");
  dev->add_flag("--no-sample", parsed.dev.no_sample, "Without the sample tables");
  dev->callback([&parsed] {
    parsed.interruptible = false;
    parsed.action = [&parsed](const Environment& environment) {
      return dev_command(parsed.request, parsed.dev, environment);
    };
  });
}

void add_fetch(CLI::App& app, Parsed& parsed) {
  auto& options = parsed.fetch;
  auto* fetch = app.add_subcommand("fetch", "Send a fetch request to a gateway and print the reply");
  fetch
      ->add_option("-c,--client", options.client,
                   "Client to ask; else $ATHENA_CLIENT, else the default of clients.json")
      ->type_name("NAME");
  auto* body = fetch->add_option_group("body");
  body->add_option("--body-json", options.body_json, "The request's body; - reads stdin")->type_name("JSON");
  body->add_option("--body-file", options.body_file, "File with the body; - reads stdin")->type_name("PATH");
  body->require_option(1);
  fetch
      ->add_option("--url", options.url,
                   "Where to; else $ATHENA_URL/gateway/fetch, else this machine, port 4052")
      ->type_name("URL");
  fetch->add_option("--key", options.key, "API key; else $ATHENA_API_KEY")->type_name("KEY");
  fetch->add_option("--clients-path", options.clients_path, "File of the default client")
      ->default_str(ClientsFile::kDefaultPath)
      ->type_name("PATH");
  options.clients_path = ClientsFile::kDefaultPath;
  fetch->callback([&parsed] {
    parsed.action = [&parsed](const Environment& environment) {
      return fetch_command(parsed.fetch, environment);
    };
  });
}

void add_keys(CLI::App& app, Parsed& parsed) {
  auto& options = parsed.keys;
  auto* keys = app.add_subcommand("keys", "API keys, in the store itself");
  keys->require_subcommand(1);
  const auto add = [&](const char* name, const char* description, auto run) {
    auto* command = keys->add_subcommand(name, description);
    command->callback([&parsed, run] {
      parsed.action = [&parsed, run](const Environment& environment) {
        return run(parsed.request, parsed.keys, environment);
      };
    });
    return command;
  };
  auto* create = add("create", "Make a key; its text is printed this once", keys_create_command);
  create->add_option("--name", options.name, "What it is for")->required()->type_name("NAME");
  create->add_option("--client", options.client, "The one client it is for")->type_name("NAME");
  create->add_option("--right", options.rights, "A right it has; may be given several times")
      ->type_name("RIGHT");
  create->add_option("--expires", options.expires, "When it ends, such as 2027-01-01T00:00:00Z")
      ->type_name("TIME");
  create->add_option("--ttl", options.ttl, "How long it lasts, such as 30d or 12h")->type_name("DURATION");
  create->add_option("--description", options.description, "More about it")->type_name("TEXT");
  create->add_flag("--create-rights", options.create_rights, "Make the rights that do not exist");
  create->add_flag("--json", options.json, "The key and its record as JSON");
  auto* list = add("list", "List the keys", keys_list_command);
  list->add_flag("--all", options.all, "Revoked ones too");
  list->add_flag("--json", options.json, "As JSON");
  auto* revoke = add("revoke", "Revoke a key for good", keys_revoke_command);
  revoke->add_option("id", options.id, "Its id or public id")->required()->type_name("ID");
}

void add_clients(CLI::App& app, Parsed& parsed) {
  auto& options = parsed.clients;
  options.path = ClientsFile::kDefaultPath;
  auto* clients = app.add_subcommand("clients", "Databases that the commands know by name");
  clients->require_subcommand(1);
  const auto add = [&](const char* name, const char* description, int (*run)(const ClientsOptions&)) {
    auto* command = clients->add_subcommand(name, description);
    command->add_option("--path", options.path, "The file")
        ->default_str(ClientsFile::kDefaultPath)
        ->type_name("PATH");
    command->callback([&parsed, run] {
      parsed.action = [&parsed, run](const Environment&) { return run(parsed.clients); };
    });
    return command;
  };
  auto* list = add("list", "List them", clients_list_command);
  list->add_flag("--json", options.json, "As JSON");
  list->add_flag("--show-secrets", options.show_secrets, "With passwords");
  auto* put =
      add("add", "Add one, or replace its URI; the first one becomes the default", clients_add_command);
  put->add_option("name", options.name, "Its name")->required();
  put->add_option("uri", options.uri, "postgres://user:password@host:port/database")->required();
  add("remove", "Remove one", clients_remove_command)
      ->add_option("name", options.name, "Its name")
      ->required();
  add("set-default", "Choose the one that fetch asks without --client", clients_set_default_command)
      ->add_option("name", options.name, "Its name")
      ->required();
}

void add_store(CLI::App& app, Parsed& parsed) {
  auto& provision = parsed.provision;
  provision.clients_path = ClientsFile::kDefaultPath;
  auto* command = app.add_subcommand("provision", "Create Athena's tables in a database");
  auto* target = command->add_option_group("database");
  target->add_option("--uri", provision.uri, "A PostgreSQL database")->type_name("URI");
  target->add_option("--client", provision.client, "That of a client of the configuration")
      ->type_name("NAME");
  target->add_flag("--control", provision.control, "The gateway's own store");
  target->require_option(1);
  command->add_flag("--status", provision.status, "Only list the tables that are missing; exit 1 if any is");
  command->add_flag("--register", provision.add, "Add the URI to clients.json");
  command->add_option("--register-name", provision.add_as, "The name it gets there")
      ->default_str("provisioned")
      ->type_name("NAME");
  command->add_option("--clients-path", provision.clients_path, "That file")
      ->default_str(ClientsFile::kDefaultPath)
      ->type_name("PATH");
  command->callback([&parsed] {
    parsed.action = [&parsed](const Environment& environment) {
      return provision_command(parsed.request, parsed.provision, environment);
    };
  });

  auto& options = parsed.store;
  auto* store = app.add_subcommand("store", "Move and save the gateway's own store");
  store->require_subcommand(1);
  const auto add = [&](const char* name, const char* description, auto run) {
    auto* inner = store->add_subcommand(name, description);
    inner->callback([&parsed, run] {
      parsed.action = [&parsed, run](const Environment& environment) {
        return run(parsed.request, parsed.store, environment);
      };
    });
    return inner;
  };
  auto* copy = add("copy", "Copy an embedded store into a PostgreSQL database", store_copy_command);
  copy->add_option("--from", options.from, "The control.db")->required()->type_name("PATH");
  copy->add_option("--to", options.to, "The client whose database it is")->required()->type_name("NAME");
  copy->add_flag("--with-logs", options.with_logs, "The logs too");
  copy->add_flag("--dry-run", options.dry_run, "Only check and count");
  auto* backup = add("backup", "Save a consistent copy of control.db", store_backup_command);
  backup->add_option("file", options.file, "Where to")->required()->type_name("PATH");
  backup->add_flag("--force", options.force, "Replace a file that is there");
}

void add_config(CLI::App& app, Parsed& parsed) {
  auto* config = app.add_subcommand("config", "Check and show the configuration");
  config->require_subcommand(1);
  auto* check = config->add_subcommand("check", "Check every value; connect nowhere");
  check->add_flag("--json", parsed.json, "As JSON");
  check->callback([&parsed] {
    parsed.action = [&parsed](const Environment& environment) {
      return config_check_command(parsed.request, parsed.json, environment);
    };
  });
  auto* dump = config->add_subcommand("dump", "Print the effective values that differ from the defaults");
  dump->add_option("--format", parsed.dump.format, "Form of the output")
      ->check(CLI::IsMember({"yaml", "json"}))
      ->type_name("FORM");
  dump->add_flag("--all", parsed.dump.all, "Every value");
  dump->callback([&parsed] {
    parsed.action = [&parsed](const Environment& environment) {
      return config_dump_command(parsed.request, parsed.dump, environment);
    };
  });
  auto* explain =
      config->add_subcommand("explain", "Say what a key is, where its value comes from and what that hides");
  explain->add_option("key", parsed.key, "Such as gateway.max_rows, or clients.NAME")->required();
  explain->callback([&parsed] {
    parsed.action = [&parsed](const Environment& environment) {
      return config_explain_command(parsed.request, parsed.key, environment);
    };
  });
  auto* keys = config->add_subcommand("keys", "Print the tables of docs/configuration.md");
  keys->group("");  // hidden: for those who write the documentation
  keys->callback([&parsed] { parsed.action = [](const Environment&) { return print(keys_markdown()); }; });
}

void add_others(CLI::App& app, Parsed& parsed) {
  auto& options = parsed.diag;
  auto* diag = app.add_subcommand("diag", "Print facts about this machine and the configuration as JSON");
  diag->add_flag("--offline", options.offline, "Connect nowhere");
  diag->add_option("--probe", options.probe, "Only ask this URL; exit 0 if it answers 2xx")->type_name("URL");
  diag->add_option("--timeout", options.timeout_seconds, "Seconds to wait for the probe")
      ->check(CLI::Range(1, 300))
      ->type_name("N");
  diag->callback([&parsed] {
    parsed.action = [&parsed](const Environment& environment) {
      return diag_command(parsed.request, parsed.diag, environment);
    };
  });

  auto* completion = app.add_subcommand("completion", "Print a completion script for a shell");
  completion->add_option("shell", parsed.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&parsed] {
    parsed.action = [&parsed](const Environment&) {
      return print(completion_script(describe_command_line(), parsed.shell));
    };
  });
  auto* man = app.add_subcommand("man", "Print the manual page");
  man->callback([&parsed] {
    parsed.action = [](const Environment&) {
      return print(manual_page(describe_command_line(), std::string(version())));
    };
  });
  auto* version_subcommand = app.add_subcommand("version", "Print the version");
  version_subcommand->add_flag("--json", parsed.json, "With revision and compiler");
  version_subcommand->callback(
      [&parsed] { parsed.action = [&parsed](const Environment&) { return version_command(parsed.json); }; });
}

void build(CLI::App& app, Parsed& parsed) {
  app.fallthrough();
  add_global_flags(app, parsed);
  add_servers(app, parsed);
  add_fetch(app, parsed);
  add_keys(app, parsed);
  add_store(app, parsed);
  add_clients(app, parsed);
  add_config(app, parsed);
  add_others(app, parsed);
  for (auto* command : app.get_subcommands([](CLI::App*) { return true; })) {
    command->fallthrough();
    for (auto* inner : command->get_subcommands([](CLI::App*) { return true; })) inner->fallthrough();
  }
}

/// `{a,b}` of a CLI::IsMember, as CLI11 describes it in an option's type.
std::vector<std::string> choices_of(const CLI::Option& option) {
  const auto text = option.get_type_name();
  const auto open = text.find('{');
  const auto close = text.rfind('}');
  std::vector<std::string> choices;
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::string word;
  for (auto i = open + 1; i <= close; ++i) {
    if (text[i] == ',' || text[i] == '}') {
      choices.push_back(std::exchange(word, {}));
    } else {
      word += text[i];
    }
  }
  return choices;
}

OptionDoc describe(const CLI::Option& option) {
  OptionDoc doc;
  doc.positional = option.get_positional();
  if (doc.positional) {
    doc.names = {option.get_single_name()};
  } else {
    for (const auto& name : option.get_snames()) doc.names.push_back("-" + name);
    for (const auto& name : option.get_lnames()) doc.names.push_back("--" + name);
  }
  if (option.get_items_expected_max() > 0) {
    const auto type = option.get_type_name();
    doc.argument = type.substr(0, type.find_first_of(":{ "));
    if (doc.argument.empty() || doc.positional) doc.argument = "VALUE";
  }
  doc.description = option.get_description();
  doc.choices = choices_of(option);
  return doc;
}

CommandDoc describe(const CLI::App& app) {
  CommandDoc doc;
  doc.name = app.get_name();
  doc.description = app.get_description();
  const auto options = [&doc](const CLI::App& from) {
    for (const auto* option : from.get_options()) doc.options.push_back(describe(*option));
  };
  options(app);
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name().empty()) {  // a group of options
      options(*command);
    } else if (!command->get_group().empty()) {
      doc.commands.push_back(describe(*command));
    }
  }
  return doc;
}

/// The deepest command that was named, for its help.
const CLI::App* named_command(const CLI::App& app) {
  for (const auto* command : app.get_subcommands()) {
    if (!command->get_name().empty()) return named_command(*command);
  }
  return &app;
}

}  // namespace

CommandDoc describe_command_line() {
  CLI::App app("Athena, a database gateway", "athena");
  Parsed parsed;
  build(app, parsed);
  return describe(app);
}

int run_command_line(int argc, char** argv) {
  CLI::App app("Athena, a database gateway", "athena");
  Parsed parsed;
  build(app, parsed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    const auto* command = named_command(app);
    std::string name = "athena";
    if (command != &app) {
      const auto* parent = command->get_parent();
      name +=
          (parent != &app && parent != nullptr ? " " + parent->get_name() : "") + " " + command->get_name();
    }
    std::fprintf(stderr, "%s\nRun \"%s --help\" for the commands and flags.\n", error.what(), name.c_str());
    return kUsage;
  }
  if (parsed.print_version) return print("athena " + std::string(version()) + "\n");
  if (!parsed.action && parsed.api_only) {
    parsed.interruptible = false;
    parsed.action = [&parsed](const Environment& environment) {
      return server_command(parsed.request, environment);
    };
  }
  if (!parsed.action) return report("No command given. Use \"athena server\", or \"athena --help\".", kUsage);
  if (parsed.interruptible) std::signal(SIGINT, [](int) { _exit(kInterrupted); });
  return parsed.action(Environment::capture(!parsed.no_dotenv));
}

}  // namespace athena::app
