#include <algorithm>

#include "api/handlers.h"
#include "api/json_builder.h"
#include "api/query_string.h"
#include "api/reply.h"
#include "api/store_access.h"
#include "base/iso_time.h"
#include "base/unix_time.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

std::optional<std::string> iso_time(const std::optional<std::int64_t>& unix_ms) {
  if (!unix_ms) return std::nullopt;
  return base::iso_time(*unix_ms);
}

void append_backend(JsonBuilder& json, const catalog::Entry& entry) {
  const auto status = entry.engine->status();
  json.begin_object().member("client_name", entry.definition.client_name);
  json.member("engine", name(entry.definition.engine)).member("state", engines::name(status.state));
  json.member("reachable", status.reachable).member("failures_in_window", status.failures_in_window);
  json.member("opened_at", iso_time(status.opened_at_ms)).member("retry_at", iso_time(status.retry_at_ms));
  json.member("forced_until", iso_time(status.forced_until_ms)).member("forced_reason", status.forced_reason);
  json.member("last_success_at", iso_time(status.last_success_at_ms));
  json.member("last_failure_at", iso_time(status.last_failure_at_ms)).key("last_error");
  if (status.last_error_code.empty()) {
    json.raw("null");
  } else {
    json.begin_object().member("code", status.last_error_code).member("reason", status.last_error_reason);
    json.member("at", iso_time(status.last_failure_at_ms)).end_object();
  }
  json.member("last_check_at", iso_time(status.last_check_at_ms)).key("latency_ms");
  if (status.latency_ms) {
    char number[32];
    std::snprintf(number, sizeof number, "%.3f", *status.latency_ms);
    json.raw(number);
  } else {
    json.raw("null");
  }
  json.key("pool").begin_object().member("max", status.pool.max).member("size", status.pool.size);
  json.member("pipelined", status.pool.pipelined).member("idle", status.pool.idle);
  json.member("active", status.pool.active).member("waiting", status.pool.waiting).end_object();
  json.key("hosts").begin_array().end_array().end_object();
}

/// The client named in the path; 404 when there is none with a backend.
contract::Result<const catalog::Entry*> backend_of_path(const Call& call) {
  const auto decoded = percent_decode(call.match.parameters[0].value, false);
  const auto* entry = decoded ? call.registry().find(*decoded) : nullptr;
  if (entry == nullptr || !entry->engine) return Error(ErrorCode::not_found, "No backend of this name.");
  return entry;
}

/// The record of what an operator is about to do to a backend, which is kept in memory only.
base::Task<contract::Result<bool>> audit(Call& call, std::string_view action, const catalog::Entry& entry,
                                         std::string after) {
  auto actor = actor_of(call);
  auto written = co_await on_store<bool>(
      call, StoreFamily::others,
      [action, after = std::move(after), actor = std::move(actor),
       name = entry.definition.client_name](control::Session& session) -> control::Outcome<bool> {
        control::Transaction transaction(session);
        if (auto begun = transaction.begin(); !begun) return begun.error();
        auto done = control::write_audit(session, actor, {action, "backend", name, {}, after},
                                         base::iso_time(base::unix_ms()));
        if (!done) return done.error();
        if (auto committed = transaction.commit(); !committed) return committed.error();
        return contract::Result<bool>(true);
      });
  co_return written;
}

void append_one(Call& call, std::string_view message, const catalog::Entry& entry) {
  JsonBuilder json(call.exchange.response().body);
  json.begin_object()
      .member("status", "success")
      .member("message", message)
      .key("data")
      .begin_object()
      .key("backend");
  append_backend(json, entry);
  json.end_object().end_object();
}

}  // namespace

void error_catalog(Call& call) {
  const auto catalogue = contract::error_catalogue();
  std::vector<const contract::ErrorCodeInfo*> entries;
  for (const auto& entry : catalogue) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success");
  json.member("message", counted("Listed", static_cast<std::int64_t>(entries.size()), "error code"));
  json.key("data").begin_object().key("errors").begin_array();
  for (const auto* entry : entries) {
    json.begin_object().member("code", entry->name).member("http_status", static_cast<int>(entry->status));
    json.member("title", entry->message).member("description", entry->when).member("hint", entry->hint);
    json.member("retryable", entry->retryable).key("families").begin_array();
    for (auto families = entry->families; !families.empty();) {
      const auto blank = families.find(' ');
      json.value(families.substr(0, blank));
      families = blank == std::string_view::npos ? std::string_view{} : families.substr(blank + 1);
    }
    json.end_array().end_object();
  }
  json.end_array().end_object().end_object();
}

void capabilities(Call& call) {
  const auto client = find_client(call);
  if (!client) {
    call.fail(client.error());
    return;
  }
  const auto& definition = (*client)->definition;
  JsonBuilder json(call.exchange.response().body);
  json.begin_object()
      .member("status", "success")
      .member("message", "Loaded capabilities")
      .key("data")
      .begin_object();
  json.member("client_name", definition.client_name).member("engine", name(definition.engine));
  json.member("lifecycle", name(definition.lifecycle)).key("capabilities").begin_array();
  for (const auto& capability : definition.capabilities.names()) json.value(capability);
  json.end_array().key("features").begin_object();
  for (const auto& feature : contract::features()) {
    const auto support = contract::support(definition.engine, feature.name);
    json.member(feature.name, support == contract::Feature::Support::yes       ? "yes"
                              : support == contract::Feature::Support::partial ? "partial"
                                                                               : "no");
  }
  json.end_object().key("limits").begin_object();
  json.member("max_rows", definition.limits.max_rows.value_or(call.settings().max_rows));
  json.member("timeout_ms", definition.limits.timeout_ms.value_or(call.settings().request_timeout_ms));
  json.end_object().end_object().key("meta").begin_object().key("duration_ms");
  base::Buffer duration;
  const auto elapsed = base::Clock::now() - call.exchange.received_at();
  base::append_milliseconds(duration, std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count());
  json.raw(duration.view()).end_object().end_object();
}

void list_backends(Call& call) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) {
    call.fail(parameters.error());
    return;
  }
  const auto wanted_client = parameters->find("client_name");
  const auto wanted_engine = parameters->find("engine");
  const auto wanted_state = parameters->find("state");
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success").member("message", "Listed backends");
  json.key("data").begin_object().key("backends").begin_array();
  std::int64_t count = 0;
  for (const auto& entry : call.registry().entries()) {
    if (!entry.engine) continue;
    if (wanted_client &&
        contract::client_key(*wanted_client) != contract::client_key(entry.definition.client_name))
      continue;
    if (wanted_engine && contract::engine_from_name(*wanted_engine) != entry.definition.engine) continue;
    if (wanted_state && *wanted_state != engines::name(entry.engine->status().state)) continue;
    append_backend(json, entry);
    ++count;
  }
  json.end_array().end_object().key("meta").begin_object();
  json.member("returned_row_count", count).member("truncated", false).end_object().end_object();
}

base::Task<void> force_backend_offline(Call& call) {
  auto body = co_await read_json(call);
  if (!body) {
    call.fail(body.error());
    co_return;
  }
  const auto entry = backend_of_path(call);
  if (!entry) {
    call.fail(entry.error());
    co_return;
  }
  std::int64_t seconds = 300;
  if (const auto* duration = (*body)->find_present("duration_seconds")) {
    const bool whole = duration->is_number() && duration->text.size() <= 5 &&
                       duration->text.find_first_not_of("0123456789") == std::string_view::npos;
    seconds = whole ? std::stoll(std::string(duration->text)) : 0;
    if (seconds < 1 || seconds > 86400) {
      call.fail(Error(ErrorCode::invalid_value, "duration_seconds must be a whole number from 1 to 86400.")
                    .with("member", "duration_seconds"));
      co_return;
    }
  }
  std::string reason;
  if (const auto* text = (*body)->find_present("reason")) {
    if (!text->is_string() || text->text.size() > 200) {
      call.fail(Error(ErrorCode::invalid_value, "reason must be a text of at most 200 characters.")
                    .with("member", "reason"));
      co_return;
    }
    reason = text->text;
  }
  base::Buffer after;
  JsonBuilder json(after);
  json.begin_object().member("duration_seconds", seconds).member("reason", reason).end_object();
  auto written = co_await audit(call, "backend.offline", **entry, std::string(after.view()));
  if (!written) co_return call.fail(written.error());
  (*entry)->engine->force_offline(std::chrono::seconds(seconds), reason);
  append_one(call, "Backend forced offline", **entry);
}

base::Task<void> reset_backend(Call& call) {
  const auto entry = backend_of_path(call);
  if (!entry) co_return call.fail(entry.error());
  auto written = co_await audit(call, "backend.reset", **entry, {});
  if (!written) co_return call.fail(written.error());
  (*entry)->engine->reset_health();
  append_one(call, "Backend health reset", **entry);
}

}  // namespace athena::api
