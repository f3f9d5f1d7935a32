#include "services/control/provision.h"
#include "api/admin_handlers.h"
#include "api/body_members.h"
#include "api/client_changes.h"
#include "api/reply.h"
#include "api/store_access.h"
#include "base/iso_time.h"
#include "base/unix_time.h"
#include "engines/postgres/target.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

/// What the request wants to be provisioned.
struct Order {
  control::StoreLocation location;
  std::string client;                                              ///< empty: a URI
  bool may_create = true;                                          ///< the file of a SQLite client
  std::optional<control::ClientFields> registered = std::nullopt;  ///< the client to make of it
};

contract::Result<Order> order_of_client(Call& call, const std::string& name) {
  const auto* entry = call.registry().find(name);
  if (entry == nullptr) return Error(ErrorCode::not_found, "There is no client of this name.");
  if (auto able = require(call, *entry, contract::Capability::provisioning); !able) return able.error();
  const auto location = control::location_of(entry->definition);
  if (!location)
    return Error(ErrorCode::capability_not_supported, "A database in memory can't be provisioned.");
  Order order{*location, entry->definition.client_name};
  if (const auto* sqlite = std::get_if<contract::SqliteConnection>(&entry->definition.connection))
    order.may_create = sqlite->create && !sqlite->read_only;
  return order;
}

contract::Result<Order> read_order(Call& call, const query::Value& body) {
  BodyMembers members(body);
  const auto uri = members.text("uri");
  const auto client = members.text("client_name");
  const auto registers = members.flag("register").value_or(false);
  const auto name = members.text("register_name").value_or("provisioned");
  if (members.error()) return *members.error();
  if (uri.has_value() == client.has_value())
    return Error(ErrorCode::invalid_payload, "Name either uri or client_name.");
  if (client) {
    if (registers) return Error(ErrorCode::invalid_payload, "register belongs to uri: the client is there.");
    return order_of_client(call, *client);
  }
  Order order;
  order.location.home = control::Home::postgres;
  order.location.postgres.uri = *uri;
  if (auto target = postgres::parse_target(order.location.postgres); !target) return target.error();
  if (!registers) return order;
  control::ClientFields fields;
  fields.client_name = name;
  fields.pg_uri = uri;
  if (auto good = control::check(fields, true); !good) return good.error();
  if (call.registry().find(*fields.client_name) != nullptr)
    return Error(ErrorCode::already_exists, "There is a client of this name already.")
        .with("member", "register_name");
  order.client = *fields.client_name;
  order.registered = std::move(fields);
  return order;
}

Error failure_of(const control::MigrationError& error) {
  if (error.kind == control::MigrationError::Kind::store &&
      error.cause.kind == control::StoreError::Kind::unreachable)
    return Error(ErrorCode::backend_unreachable, "The database cannot be reached.");
  Error failure(ErrorCode::database_error,
                error.kind == control::MigrationError::Kind::store
                    ? "The database refused a statement; nothing was changed."
                    : "This Athena can't work with the tables that are there: " + error.message + ".");
  failure.with("migration", std::int64_t{error.migration});
  const auto& state = error.cause.sql_state;
  if (!state.empty())
    failure.with_database(state.starts_with("SQLITE_") ? "sqlite_code" : "sql_state", state);
  return failure;
}

/// Writes `provision.run` to the main home.
base::Task<contract::Result<void>> write_record(Call& call, const std::string& client, int statements) {
  control::AuditEntry entry;
  entry.action = "provision.run";
  entry.object_type = "database";
  entry.object_id = client.empty() ? "uri" : client;  // a URI holds a secret
  entry.after = R"({"statements_executed":)" + std::to_string(statements) + "}";
  auto actor = actor_of(call);
  auto written = co_await on_store<int>(
      call, StoreFamily::others,
      [entry = std::move(entry),
       actor = std::move(actor)](control::Session& session) -> control::Outcome<int> {
        auto done = control::write_audit(session, actor, entry, base::iso_time(base::unix_ms()));
        if (!done) return done.error();
        return contract::Result<int>(0);
      });
  if (!written) co_return written.error();
  co_return contract::Result<void>();
}

void append_names(JsonBuilder& json, std::string_view name, const std::vector<std::string>& names) {
  json.key(name).begin_array();
  for (const auto& one : names) json.value(one);
  json.end_array();
}

}  // namespace

base::Task<void> provision(Call& call) {
  auto body = co_await read_json(call);
  if (!body) co_return call.fail(body.error());
  const auto order = read_order(call, **body);
  if (!order) co_return call.fail(order.error());
  const auto deadline = request_deadline(call);
  if (!deadline) co_return call.fail(deadline.error());
  // What is done has to be on record.
  const auto* plane = call.context.process.control;
  if (plane == nullptr || !plane->main_up()) co_return call.fail(no_store(StoreFamily::others));
  using Outcome = control::StoreResult<control::MigrationResult>;
  auto outcome = co_await control::provision_threads().run(
      call.context.shard, *deadline,
      [order = *order, deadline = *deadline, version = call.context.process.version](control::Session&)
          -> Outcome { return control::provision(order.location, {}, version, order.may_create, deadline); });
  if (!outcome) {
    const Error busy(ErrorCode::overloaded, "Too many databases are being provisioned.");
    co_return call.fail(busy);
  }
  const auto& migrated = *outcome;
  if (!migrated) co_return call.fail(failure_of(migrated.error()));
  if (migrated->statements > 0) {
    auto written = co_await write_record(call, order->client, migrated->statements);
    if (!written) co_return call.fail(written.error());
  }
  if (order->registered) {
    auto made = co_await create_client(call, *order->registered, false);
    if (!made) co_return call.fail(made.error());
  }
  auto json = begin_data(call, counted("Provisioned", migrated->statements, "statement"));
  json.member("statements_executed", migrated->statements).key("client");
  order->client.empty() ? json.raw("null") : json.value(order->client);
  json.member("registered", order->registered.has_value()).member("schema_version", migrated->schema_version);
  append_names(json, "tables", migrated->tables);
  end_data(json);
}

base::Task<void> provision_status(Call& call) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) co_return call.fail(parameters.error());
  const auto name = parameters->find("client_name");
  if (!name || name->empty()) {
    const Error missing =
        Error(ErrorCode::missing_field, "client_name is required.").with("member", "client_name");
    co_return call.fail(missing);
  }
  const auto order = order_of_client(call, std::string(*name));
  if (!order) co_return call.fail(order.error());
  const auto deadline = request_deadline(call);
  if (!deadline) co_return call.fail(deadline.error());
  auto status = co_await control::provision_threads().run(
      call.context.shard, *deadline, [location = order->location, deadline = *deadline](control::Session&) {
        return control::provision_status(location, {}, deadline);
      });
  if (!status) co_return call.fail(failure_of({control::MigrationError::Kind::store, {}, 0, status.error()}));
  auto json = begin_data(call, "Loaded provisioning status");
  json.member("client_name", order->client).member("provisioned", status->complete());
  json.member("schema_version", status->schema_version);
  append_names(json, "present_tables", status->present);
  append_names(json, "missing_tables", status->missing);
  end_data(json);
}

}  // namespace athena::api
