#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "app/clients_file.h"
#include "app/commands.h"
#include "app/config_keys.h"
#include "app/http_client.h"
#include "app/pretty_json.h"
#include "app/server.h"

namespace athena::app {
namespace {

constexpr const char* kHere = "http://localhost:4052";
/// Above the longest time limit a request can ask the gateway for by default.
constexpr std::chrono::seconds kTimeout{310};

std::string url_of(const FetchOptions& options, const Environment& environment) {
  if (!options.url.empty()) return options.url;
  auto base = environment.get("ATHENA_URL").value_or(kHere);
  while (base.ends_with('/')) base.pop_back();
  return base + "/gateway/fetch";
}

/// The flag, ATHENA_CLIENT, or the default of clients.json.
base::Result<void, std::string> choose_client(const FetchOptions& options, const Environment& environment,
                                              std::string& client) {
  client = options.client.empty() ? environment.get("ATHENA_CLIENT").value_or("") : options.client;
  if (!client.empty()) return {};
  const auto file = ClientsFile::read(options.clients_path);
  if (!file) return file.error();
  if (const auto chosen = file->default_client()) {
    client = *chosen;
    return {};
  }
  return std::string("no client provided and no default set");
}

std::string all_of(std::istream& stream) {
  return {std::istreambuf_iterator<char>(stream), {}};
}

base::Result<void, std::string> read_body(const FetchOptions& options, std::string& body) {
  body = options.body_json;
  if (body == "-" || options.body_file == "-") {
    body = all_of(std::cin);
  } else if (!options.body_file.empty()) {
    std::ifstream file(options.body_file, std::ios::binary);
    if (!file) return options.body_file + " cannot be read";
    body = all_of(file);
    if (file.bad()) return options.body_file + " cannot be read";
  }
  return {};
}

bool has_line_break(const std::string& text) {
  return text.find_first_of("\r\n") != std::string::npos || text.find('\0') != std::string::npos;
}

}  // namespace

int fetch_command(const FetchOptions& options, const Environment& environment) {
  ClientRequest request;
  request.method = "POST";
  request.url = url_of(options, environment);
  request.timeout = kTimeout;
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://"))
    return report("the URL must begin with http:// or https://", kUsage);
  std::string client;
  if (auto chosen = choose_client(options, environment, client); !chosen)
    return report(chosen.error(), kFailed);
  if (auto read = read_body(options, request.body); !read) return report(read.error(), kFailed);
  const auto key = options.key.empty() ? environment.get("ATHENA_API_KEY").value_or("") : options.key;
  if (has_line_break(client) || has_line_break(key))
    return report("a client's name and a key are single lines", kUsage);
  request.headers = {{"Content-Type", "application/json"}, {"X-Athena-Client", client}};
  if (!key.empty()) request.headers.emplace_back("X-Athena-Key", key);

  const auto response = send_http(request);
  if (!response) return report("fetch failed: " + response.error(), kFailed);
  if (response->status < 200 || response->status > 299)
    return report("fetch failed (" + std::to_string(response->status) + ")\n" + response->body, kFailed);
  return print(pretty_json(response->body));
}

}  // namespace athena::app
