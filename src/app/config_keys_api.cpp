#include "app/config_checks.h"
#include "app/config_keys_table.h"

namespace athena::app::table {

void add_api(std::vector<KeyInfo>& keys) {
  Section api(keys, "api");
  api.integer("port", "4052", 0, 65535, "Port to listen on; 0 = any free one.", ATHENA_INT(http.port))
      .reloadable = false;
  {
    auto& key = api.list("bind", "127.0.0.1", "Addresses to listen on. Beyond loopback a key is asked for.",
                         ATHENA_LIST(http.bind));
    key.reloadable = false;
    key.check = bind_problem;
  }
  {
    auto& key = api.text("unix_socket", "", "Path of a socket file to listen on besides.",
                         ATHENA_TEXT(http.unix_socket));
    key.reloadable = false;
    key.check = socket_path_problem;
  }
  api.list("allowed_hosts", "",
           "Host names answered while keys are not enforced, besides localhost and IP addresses.",
           ATHENA_LIST(api.allowed_hosts))
      .check = host_problem;
  api.text("data_dir", "", "Folder for what the gateway keeps.", ATHENA_TEXT(data_dir)).reloadable = false;
  api.integer("http_workers", "0", 0, 256,
              "Event loop threads; 0 = cores, half of them when a client's database is on this host.",
              ATHENA_INT(http_workers))
      .reloadable = false;
  api.integer("http_max_connections", "10000", 1, 1000000,
              "Open connections of the process; accepting pauses at it.", ATHENA_INT(http.max_connections))
      .reloadable = false;
  api.integer("http_backlog", "2048", 1, 65535, "Connections the kernel queues per listener.",
              ATHENA_INT(http.backlog))
      .reloadable = false;
  api.integer("max_in_flight", "20000", 1, 10000000,
              "Running requests of the process; beyond: 503 overloaded.", ATHENA_INT(http.max_in_flight))
      .reloadable = false;
  api.integer("keep_alive_secs", "15", 1, kHour, "An idle connection is closed after this.",
              ATHENA_SECS(http.keep_alive));
  api.integer("client_request_timeout_secs", "60", 1, kHour,
              "Time for a request head, and for each read of a body.", ATHENA_SECS(http.request_timeout));
  api.integer("client_disconnect_timeout_secs", "60", 1, kHour,
              "A reader that takes nothing for this long is cut.", ATHENA_SECS(http.disconnect_timeout));
  api.integer("tcp_keepalive_secs", "75", 1, 7200, "TCP keep-alive of accepted connections.",
              ATHENA_SECS(http.tcp_keepalive));
  api.integer("max_body_bytes", "10485760", 1, kGiB, "Largest request body.",
              ATHENA_INT(http.max_body_bytes));
  api.integer("max_header_bytes", "32768", 256, 1048576, "Largest request head.",
              ATHENA_INT(http.max_header_bytes));
  api.integer("max_url_bytes", "8192", 16, 1048576, "Longest request target.",
              ATHENA_INT(http.max_url_bytes));
  api.integer("write_window_bytes", "1048576", 4096, kGiB,
              "Unsent bytes per connection before reading from the backend pauses.",
              ATHENA_INT(http.write_window_bytes));
  api.boolean("cors_allow_any_origin", "false", "Any origin may read replies.",
              ATHENA_BOOL(api.cors_allow_any_origin));
  api.list("cors_allowed_origins", "", "Origins that may read replies.",
           ATHENA_LIST(api.cors_allowed_origins))
      .check = origin_problem;
  api.boolean("cors_admin", "false", "The allowed origins may use /admin/* and /metrics too.",
              ATHENA_BOOL(api.cors_admin));
  api.integer("drain_delay_secs", "0", 0, kHour, "Between /ready turning 503 and the listeners closing.",
              ATHENA_SECS(http.drain_delay));
  api.integer("drain_timeout_secs", "30", 0, kHour, "After this a drain cuts what still runs.",
              ATHENA_SECS(http.drain_timeout));
  api.boolean("admin_key_in_query", "true", "?api_key= is read for admin keys.",
              ATHENA_BOOL(gatekeeper.admin_key_in_query));
  api.choice(
      "metrics_access", {"loopback", "open", "admin"}, "Who may read /metrics.",
      [](Config& c, const std::string& v) {
        using Access = api::ApiSettings::MetricsAccess;
        c.api.metrics_access = v == "open" ? Access::open : v == "admin" ? Access::admin : Access::loopback;
      });
  api.boolean("prometheus_metrics_enabled", "true", "/metrics is there.", ATHENA_BOOL(api.metrics_enabled));
  api.list("ready_clients", "", "Clients that must be connected for /ready.", ATHENA_LIST(api.ready_clients))
      .check = client_name_problem;
  api.integer("compression_min_bytes", "4096", 0, kGiB,
              "Bodies of at least this size are compressed when the caller takes gzip; 0 = never.",
              ATHENA_INT(http.compression_min_bytes));
  api.list("trusted_proxies", "", "CIDR blocks of proxies whose X-Forwarded-* headers count.",
           ATHENA_LIST(api.trusted_proxies))
      .check = cidr_problem;
  api.text("docs_url", "/docs/", "Where GET /docs sends to.", ATHENA_TEXT(api.docs_url)).check =
      location_problem;
  api.boolean("server_timing", "false", "Replies say in Server-Timing where their time went.",
              ATHENA_BOOL(api.server_timing));
  api.text("tls_cert_file", "", "PEM file with the certificate and its chain; empty = plain HTTP.",
           ATHENA_TEXT(http.tls_cert_file));
  api.text("tls_key_file", "", "PEM file with the certificate's private key.",
           ATHENA_TEXT(http.tls_key_file));
  {
    auto& key = api.map("admin_keys", "Named admin keys: the SHA-256 of each in hex.",
                        [](Config& c, std::map<std::string, std::string> v) { c.admin_keys = std::move(v); });
    key.secret = true;
    key.check = digest_problem;
  }
}

}  // namespace athena::app::table
