
#include "api/json_builder.h"
#include "app/clients_file.h"
#include "app/commands.h"
#include "app/config_clients.h"
#include "app/server.h"
#include "contract/client_definition.h"
#include "engines/postgres/target.h"

namespace athena::app {
namespace {

/// Reads, changes and writes the file; `change` returns a text for stdout, or why nothing was changed.
template <class Change>
int change_file(const ClientsOptions& options, Change change) {
  auto file = ClientsFile::read(options.path);
  if (!file) return report(file.error(), kFailed);
  base::Result<std::string, std::string> changed = change(*file);
  if (!changed) return report(changed.error(), kFailed);
  if (auto written = file->write(options.path); !written) return report(written.error(), kFailed);
  return print(*changed);
}

/// An error of the result, which is of the same type as the value.
base::Result<std::string, std::string> refused(std::string text) {
  return {boost::system::in_place_error, std::move(text)};
}
base::Result<std::string, std::string> done(std::string text) {
  return {boost::system::in_place_value, std::move(text)};
}

int list_as_json(const ClientsOptions& options, const ClientsFile& file) {
  base::Buffer out;
  api::JsonBuilder json(out);
  json.begin_object().member("path", options.path).member("default", file.default_client());
  json.key("clients").begin_object();
  for (const auto& [name, uri] : file.clients())
    json.member(name, options.show_secrets ? uri : shown_uri(uri));
  json.end_object().end_object();
  out.push_back('\n');
  return print(std::string(out.view()));
}

}  // namespace

int clients_list_command(const ClientsOptions& options) {
  const auto file = ClientsFile::read(options.path);
  if (!file) return report(file.error(), kFailed);
  if (options.json) return list_as_json(options, *file);
  const auto chosen = file->default_client();
  std::string text = "Clients file: " + options.path + "\nDefault client: " + chosen.value_or("none") + "\n";
  for (const auto& [name, uri] : file->clients()) {
    text += "  " + name + (chosen == name ? " (default)" : "") + " -> " +
            (options.show_secrets ? uri : shown_uri(uri)) + "\n";
  }
  return print(text);
}

int clients_add_command(const ClientsOptions& options) {
  if (auto good = contract::check_client_name(options.name); !good)
    return report(good.error().text(), kFailed);
  contract::PostgresConnection connection;
  connection.uri = options.uri;
  if (const auto target = postgres::parse_target(connection); !target)
    return report(target.error().text(), kFailed);
  return change_file(options, [&](ClientsFile& file) {
    file.put(options.name, options.uri);
    return done("Saved client '" + options.name + "' -> " + shown_uri(options.uri) + " in " + options.path +
                "\n");
  });
}

int clients_remove_command(const ClientsOptions& options) {
  return change_file(options, [&](ClientsFile& file) {
    if (!file.remove(options.name)) return refused("client '" + options.name + "' not found");
    return done("Removed client '" + options.name + "' from " + options.path + "\n");
  });
}

int clients_set_default_command(const ClientsOptions& options) {
  return change_file(options, [&](ClientsFile& file) {
    if (!file.set_default(options.name)) return refused("client '" + options.name + "' is not defined");
    return done("Default client: " + options.name + "\n");
  });
}

}  // namespace athena::app
