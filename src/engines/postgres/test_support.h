#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <boost/asio/use_future.hpp>

#include "base/coroutine.h"
#include "base/shard.h"
#include "engines/postgres/backend.h"
#include "query/json_sink.h"
#include "query/parse.h"

/// For tests against a real server: one of their own, and a client of the gateway on top of it.
namespace athena::postgres::testing {

/// A PostgreSQL on a unix socket in a temporary folder, stopped and removed at the end. With TLS it listens
/// on a loopback port too and wants a password (`secret`) from the user `ada` there.
class Server {
 public:
  explicit Server(bool tls = false) {
    const std::string binaries = find_binaries();
    if (binaries.empty()) return;
    char folder[] = "/tmp/athena_pg_XXXXXX";
    if (mkdtemp(folder) == nullptr) return;
    folder_ = folder;
    if (geteuid() == 0) {  // PostgreSQL refuses to run as root
      if (shell("chown postgres " + folder_) != 0) return;
      prefix_ = "setpriv --reuid=postgres --regid=postgres --clear-groups ";
    }
    binaries_ = binaries;
    control_ = prefix_ + binaries + "/pg_ctl -D " + folder_ + "/data -s -w ";
    if (shell(prefix_ + binaries + "/initdb -D " + folder_ +
              "/data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null 2>&1") != 0) {
      return;
    }
    if (tls && !prepare_tls()) return;
    running_ = start();
  }
  ~Server() {
    stop();
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] bool running() const { return running_; }
  bool start() {
    return shell(control_ + "-l " + folder_ + "/log -o \"-c fsync=off -c max_connections=60 " +
                 "-c unix_socket_directories=" + folder_ + network_ + "\" start >/dev/null 2>&1") == 0;
  }
  void stop() {
    if (!control_.empty()) shell(control_ + "-m immediate stop >/dev/null 2>&1");
  }
  /// Runs SQL by psql; its unaligned output without the last line break.
  std::string sql(const std::string& text) const {
    const std::string file = folder_ + "/in.sql";
    std::ofstream(file) << text;
    const std::string out = folder_ + "/out.txt";
    shell(binaries_ + "/psql -X -q -A -t -h " + folder_ + " -p " + std::to_string(port_) +
          " -U postgres -d postgres -f " + file + " >" + out + " 2>&1");
    std::ifstream stream(out);
    std::string output((std::istreambuf_iterator<char>(stream)), {});
    while (!output.empty() && output.back() == '\n') output.pop_back();
    return output;
  }
  [[nodiscard]] std::string uri(const std::string& user = "postgres") const {
    return "postgresql://" + user + "@/postgres?host=" + folder_;
  }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] int port() const { return port_; }

 private:
  bool prepare_tls() {
    const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(probe, reinterpret_cast<const sockaddr*>(&address), size) != 0) return false;
    ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    ::close(probe);
    network_ = " -c listen_addresses=127.0.0.1 -c port=" + std::to_string(port_) + " -c ssl=on";
    const std::string data = folder_ + "/data/";
    if (shell("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
              "subjectAltName=DNS:localhost -keyout " +
              data + "server.key -out " + data + "server.crt >/dev/null 2>&1 && chmod 600 " + data +
              "server.key && cp " + data + "server.crt " + folder_ +
              "/root.crt && if [ $(id -u) = 0 ]; then chown postgres " + data + "server.*; fi") != 0) {
      return false;
    }
    std::ofstream(data + "pg_hba.conf") << "local all all trust\nhost all ada 127.0.0.1/32 scram-sha-256\n"
                                           "host all all 127.0.0.1/32 trust\n";
    return true;
  }

  static int shell(const std::string& command) { return std::system(command.c_str()); }
  static std::string find_binaries() {
    std::error_code ignored;
    for (const char* version : {"17", "16", "15", "14", "13", "12"}) {
      const auto folder = std::filesystem::path("/usr/lib/postgresql") / version / "bin";
      if (std::filesystem::exists(folder / "initdb", ignored)) return folder;
    }
    return {};
  }

  std::string folder_, prefix_, control_, binaries_;
  std::string network_ = " -c listen_addresses=''";
  int port_ = 5432;
  bool running_ = false;
};

/// What a request came to.
struct Answer {
  std::optional<contract::Error> error;
  query::Summary summary;
  std::string rows;  ///< JSON objects, comma separated
  std::vector<std::string> sql;

  [[nodiscard]] std::string code() const {
    return error ? std::string(contract::info(error->code()).name) : std::string("ok");
  }
  [[nodiscard]] std::string detail(std::string_view name) const {
    if (!error) return "no error";
    for (const auto& detail : error->details()) {
      if (detail.name == name) return detail.json;
    }
    return "absent";
  }
};

/// Shards with one PostgreSQL client on them.
class Gateway {
 public:
  explicit Gateway(contract::PostgresConnection connection, unsigned shards = 1,
                   contract::GatewaySettings with = {})
      : settings(std::move(with)), shards_(shards) {
    contract::ClientDefinition definition;
    definition.client_name = "test";
    definition.engine = contract::Engine::postgresql;
    definition.connection = std::move(connection);
    client = make_client(std::move(definition), {settings, shards});
    shards_.start();
    backends.resize(shards);
    shards_.run_on_all([this](base::Shard& shard) { backends[shard.index()] = client->make_backend(shard); });
  }
  /// Destroys the shards' sides, whatever runs on them.
  void end() {
    shards_.run_on_all([this](base::Shard& shard) { backends[shard.index()].reset(); });
  }
  ~Gateway() {
    end();
    shards_.stop();
  }
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  enum class Kind : std::uint8_t { fetch, insert, update, remove };
  struct Options {
    std::chrono::milliseconds timeout{10000};
    bool exclusive = false;
    unsigned shard = 0;
    query::RowSink* sink = nullptr;  ///< instead of JSON
    engines::Cancellation* cancellation = nullptr;
  };

  /// One request by the JSON of its body, to its end. Runs on the shard.
  base::Task<Answer> ask(Kind kind, std::string body, Options options) {
    Answer answer;
    std::pmr::monotonic_buffer_resource memory;
    auto parsed = parse(kind, body, memory);
    if (!parsed) {
      answer.error = parsed.error();
      co_return answer;
    }
    base::Buffer out;
    query::JsonRowSink json(out, {});
    engines::ExecutionContext context{base::Deadline::in(options.timeout),
                                      memory,
                                      10000,
                                      options.exclusive,
                                      options.cancellation,
                                      &answer.sql};
    query::RowSink& sink = options.sink != nullptr ? *options.sink : json;
    auto& backend = *backends[options.shard]->query();
    auto ran = co_await backend.execute(*parsed, sink, context);
    if (ran) {
      answer.summary = *ran;
    } else {
      answer.error = ran.error();
    }
    answer.rows = out.view();
    co_return answer;
  }
  std::future<Answer> send(Kind kind, std::string body, Options options) {
    return base::asio::co_spawn(shards_[options.shard].context().get_executor(),
                                ask(kind, std::move(body), options), base::asio::use_future);
  }
  Answer run(Kind kind, std::string body, Options options) {
    return send(kind, std::move(body), options).get();
  }
  Answer fetch(std::string body) { return run(Kind::fetch, std::move(body), Options{}); }
  Answer fetch(std::string body, Options options) { return run(Kind::fetch, std::move(body), options); }
  base::Shard& shard(unsigned index) { return shards_[index]; }

  contract::GatewaySettings settings;
  std::shared_ptr<engines::EngineClient> client;
  std::vector<std::unique_ptr<engines::Backend>> backends;

 private:
  contract::Result<query::Request> parse(Kind kind, const std::string& text,
                                         std::pmr::memory_resource& memory) const {
    auto body = query::parse_body(text, memory);
    if (!body) return body.error();
    const query::ParseContext context{memory, settings, settings.max_rows};
    query::ReadOptions read;
    const auto wrap = [](auto parsed) -> contract::Result<query::Request> {
      if (!parsed) return parsed.error();
      return query::Request(std::move(*parsed));
    };
    switch (kind) {
      case Kind::fetch:
        return wrap(query::parse_select(**body, context, read));
      case Kind::insert:
        return wrap(query::parse_insert(**body, context));
      case Kind::update:
        return wrap(query::parse_update(**body, context, read));
      case Kind::remove:
        break;
    }
    return wrap(query::parse_delete(**body, context));
  }

  base::ShardGroup shards_;
};

}  // namespace athena::postgres::testing
