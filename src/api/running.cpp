#include "api/running.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <memory>
#include <string>
#include <vector>

#include "api/admin_handlers.h"
#include "api/forwarded.h"
#include "api/gateway.h"
#include "api/notes.h"
#include "api/store_access.h"
#include "base/iso_time.h"
#include "base/unix_time.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

/// A running request, as it is listed: copies, as it may have ended by then.
struct Item {
  std::string request_id, route, client, engine, operation, stage, key, address;
  std::string_view method;
  std::int64_t elapsed_us = 0, started_ms = 0, deadline_ms = 0;
  int backend_pid = 0;
};

struct Filter {
  std::string client_key;  ///< empty = all
  std::int64_t min_us = 0;
};

std::string_view stage_of(const RunningRequest& running) {
  using Stage = RunningRequest::Stage;
  switch (running.stage) {
    case Stage::auth:
      return "auth";
    case Stage::plan:
      return "plan";
    case Stage::encode:
      return "encode";
    case Stage::engine:
      break;
  }
  // Engines that tell of no runner have no connections to wait for.
  const auto* notes = RequestNotes::find(running.call.exchange);
  constexpr auto kPostgres = static_cast<std::uint8_t>(contract::Engine::postgresql);
  if (notes == nullptr || notes->engine != kPostgres) return "db";
  const auto* runner = running.call.stages.trace.runner;
  return runner != nullptr && runner->backend_pid() != 0 ? "db" : "wait";
}

std::int64_t microseconds(base::Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

Item item_of(const RunningRequest& running, base::Clock::time_point now, std::int64_t now_ms) {
  auto& call = running.call;
  const auto* notes = RequestNotes::find(call.exchange);
  Item item;
  item.request_id = call.exchange.request_id();
  item.method = http::name(call.request().method);
  item.route = call.route.path;
  if (notes != nullptr && notes->engine != RequestNotes::kNoEngine) {
    item.client = call.exchange.client_label;
    item.engine = contract::name(static_cast<contract::Engine>(notes->engine));
  }
  if (notes != nullptr && notes->has_key_public_id)
    item.key = {notes->key_public_id.data(), notes->key_public_id.size()};
  item.operation = call.route.operation;
  item.stage = stage_of(running);
  item.address = Forwarded(call.request(), call.api()).client_address();
  item.elapsed_us = microseconds(now - call.exchange.received_at());
  item.started_ms = now_ms - item.elapsed_us / 1000;
  const auto last = running.deadline.value_or(call.exchange.received_at() +
                                              std::chrono::milliseconds(call.settings().request_timeout_ms));
  item.deadline_ms = now_ms + microseconds(last - now) / 1000;
  if (const auto* runner = call.stages.trace.runner; runner != nullptr)
    item.backend_pid = std::max(runner->backend_pid(), 0);  // below 0: it is another thread's
  return item;
}

/// Runs `work(Gateway&)` on a shard and comes back with what it returns.
template <class Result, class Work>
base::Task<Result> at_shard(Gateway& gateway, base::Executor home, Work work) {
  auto result = co_await base::suspend<std::shared_ptr<Result>>([&gateway, home, work](auto done) {
    gateway.context().shard.post([&gateway, home, work, completion = std::move(done)]() mutable {
      auto found = std::make_shared<Result>(work(gateway));
      boost::asio::post(home, [completion = std::move(completion), found = std::move(found)]() mutable {
        std::move(completion)(std::move(found));
      });
    });
  });
  co_return std::move(*result);
}

void append_item(JsonBuilder& json, const Item& item) {
  const auto text_or_null = [&json](std::string_view name, const std::string& text) {
    json.key(name);
    if (text.empty()) {
      json.raw("null");
    } else {
      json.value(text);
    }
  };
  json.begin_object().member("request_id", item.request_id).member("method", item.method);
  json.member("route", item.route);
  text_or_null("client_name", item.client);
  text_or_null("engine", item.engine);
  text_or_null("operation", item.operation);
  json.member("stage", item.stage).member("started_at", base::iso_time(item.started_ms));
  base::Buffer elapsed;
  base::append_milliseconds(elapsed, item.elapsed_us);
  json.key("elapsed_ms").raw(elapsed.view()).member("deadline_at", base::iso_time(item.deadline_ms));
  text_or_null("api_key_public_id", item.key);
  json.member("remote_addr", item.address).key("backend_pid");
  if (item.backend_pid == 0) {
    json.raw("null");
  } else {
    json.value(item.backend_pid);
  }
  json.end_object();
}

/// Writes the audit record beside the reply: requests are ended also while the store is away.
void audit(Call& call, const std::string& request_id) {
  auto* plane = call.context.process.control;
  if (plane == nullptr) return;
  auto write = [actor = actor_of(call), request_id](control::Session& session) -> control::StoreResult<void> {
    control::Transaction transaction(session);
    if (auto begun = transaction.begin(); !begun) return begun;
    const control::AuditEntry entry{"request.cancel", "request", request_id, {}, {}};
    auto written = control::write_audit(session, actor, entry, base::iso_time(base::unix_ms()));
    if (!written) return written;
    return transaction.commit();
  };
  auto& shard = call.context.shard;
  const auto& warn = call.context.process.warn;
  boost::asio::co_spawn(
      shard.context(),
      [plane, &shard, &warn, write = std::move(write)]() -> base::Task<void> {
        auto written = co_await plane->main().run(shard, base::Deadline::in(kStoreDeadline), write);
        if (!written && warn) warn("a cancelled request could not be audited: " + written.error().message);
      },
      boost::asio::detached);
}

}  // namespace

base::Task<void> list_running(Call& call) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) co_return call.fail(parameters.error());
  const auto limit = parameters->integer("limit", 500, 1, INT64_MAX);
  if (!limit) co_return call.fail(limit.error());
  constexpr std::int64_t kMost = 500;
  if (*limit > kMost) {
    const auto error = Error(ErrorCode::limit_too_large, "limit must be at most 500.").with("max", kMost);
    co_return call.fail(error);
  }
  constexpr std::int64_t kMostMs = 86400000;
  const auto least = parameters->integer("min_ms", 0, 0, kMostMs);
  if (!least) co_return call.fail(least.error());
  const Filter filter{contract::client_key(parameters->find("client").value_or("")), *least * 1000};
  const auto home = call.context.shard.context().get_executor();
  const auto* const own = call.running;
  std::vector<Item> items;
  for (auto* gateway : call.context.process.gateways) {
    auto part = co_await at_shard<std::vector<Item>>(*gateway, home, [filter, own](Gateway& there) {
      std::vector<Item> found;
      const auto now = base::Clock::now();
      const auto now_ms = base::unix_ms();
      for (const auto& running : there.context().running) {
        if (&running == own) continue;
        auto item = item_of(running, now, now_ms);
        if (item.elapsed_us < filter.min_us) continue;
        if (!filter.client_key.empty() && contract::client_key(item.client) != filter.client_key) continue;
        found.push_back(std::move(item));
      }
      return found;
    });
    items.insert(items.end(), std::move_iterator(part.begin()), std::move_iterator(part.end()));
  }
  std::sort(items.begin(), items.end(),
            [](const auto& a, const auto& b) { return a.elapsed_us > b.elapsed_us; });
  const bool truncated = items.size() > static_cast<std::size_t>(*limit);
  if (truncated) items.resize(static_cast<std::size_t>(*limit));
  auto json = begin_data(call, "Listed running requests");
  json.member("instance_id", call.context.process.instance_id).key("requests").begin_array();
  for (const auto& item : items) append_item(json, item);
  json.end_array().end_object().key("meta").begin_object();
  json.member("returned_row_count", static_cast<std::int64_t>(items.size())).member("truncated", truncated);
  json.end_object().end_object();
}

base::Task<void> cancel_running(Call& call) {
  const auto decoded = percent_decode(call.match.parameters[0].value, false);
  const std::string request_id = decoded.value_or("");
  const auto home = call.context.shard.context().get_executor();
  const auto* const own = call.running;
  std::int64_t cancelled = 0;
  for (auto* gateway : call.context.process.gateways) {
    const auto part = co_await at_shard<std::int64_t>(*gateway, home, [request_id, own](Gateway& there) {
      std::int64_t count = 0;
      for (auto& running : there.context().running) {
        if (&running == own || running.call.exchange.request_id() != request_id) continue;
        running.cancel();
        ++count;
      }
      return count;
    });
    cancelled += part;
  }
  if (cancelled == 0) {
    const Error error(ErrorCode::not_found, "No request of this id runs here.");
    co_return call.fail(error);
  }
  audit(call, request_id);
  auto json = begin_data(call, "Cancelled request");
  json.member("request_id", request_id).member("cancelled", cancelled);
  end_data(json);
}

}  // namespace athena::api
