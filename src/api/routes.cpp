#include "api/admin_handlers.h"
#include "api/handlers.h"
#include "api/operation.h"
#include "api/route.h"

namespace athena::api {
namespace {

using http::Method;
using http::MethodSet;
using Access = Route::Access;

constexpr MethodSet kGet(Method::get);
constexpr MethodSet kPost(Method::post);
constexpr MethodSet kPut(Method::put);
constexpr MethodSet kPatch(Method::patch);
constexpr MethodSet kDelete(Method::delete_);

constexpr Route kTable[] = {
    {kPost, "/gateway/fetch", "gateway", "fetch", "Fetch rows", Access::keyed, nullptr, fetch},
    {kPost, "/gateway/data", "gateway", "fetch", "Fetch rows", Access::keyed, nullptr, fetch},
    {kGet, "/data", "gateway", "fetch", "Fetch rows by URL", Access::keyed, nullptr, fetch},
    {MethodSet(Method::put, Method::post), "/gateway/insert", "gateway", "insert", "Insert or upsert rows",
     Access::keyed, nullptr, insert},
    {MethodSet(Method::post, Method::put, Method::patch), "/gateway/update", "gateway", "update",
     "Update rows", Access::keyed, nullptr, update},
    {MethodSet(Method::delete_, Method::post), "/gateway/delete", "gateway", "delete", "Delete rows",
     Access::keyed, nullptr, remove},
    {kPost, "/gateway/query", "gateway", "query", "Run SQL", Access::keyed, nullptr, raw_query},
    {kPost, "/query/sql", "query", "sql", "Run SQL by driver", Access::keyed, nullptr, sql_by_driver},
    {kPost, "/gateway/sql", "query", "sql", "Run SQL by driver", Access::keyed, nullptr, sql_by_driver},
    {kPost, "/query/count", "query", "count", "Count rows", Access::keyed, nullptr, count_by_driver},
    {kPost, "/gateway/rpc", "gateway", "rpc", "Call a function", Access::keyed, nullptr, call_function},
    {kPost, "/gateway/rpc/{function}", "gateway", "rpc", "Call a function", Access::keyed, nullptr,
     call_function},
    {MethodSet(Method::get, Method::post), "/rpc/{function}", "gateway", "rpc", "Call a function",
     Access::keyed, nullptr, call_function},
    {kGet, "/gateway/capabilities", "gateway", "", "What the client can do", Access::keyed, capabilities,
     nullptr},
    {kGet, "/schema/tables", "schema", "", "List tables", Access::keyed, nullptr, schema_tables},
    {kGet, "/schema/columns", "schema", "", "List the columns of a table", Access::keyed, nullptr,
     schema_columns},
    {kGet, "/schema/constraints", "schema", "", "List the constraints of a table", Access::keyed, nullptr,
     schema_constraints},
    {kGet, "/schema/migrations", "schema", "", "List the migrations of the database", Access::keyed, nullptr,
     schema_migrations},
    {kGet, "/schema", "schema", "", "Tables with their columns and constraints", Access::keyed, nullptr,
     schema_overview},
    {kGet, "/", "metadata", "", "What this gateway is and which routes it has", Access::open, root, nullptr},
    {kGet, "/ping", "health", "", "Answers pong", Access::open, ping, nullptr},
    {kGet, "/live", "health", "", "Whether the process answers", Access::open, live, nullptr},
    {kGet, "/ready", "health", "", "Whether requests should be sent here", Access::open, ready, nullptr},
    {kGet, "/health", "health", "", "State of the gateway and its clients", Access::open, health, nullptr},
    {kGet, "/health/cluster", "health", "", "State of the gateway and its mirrors", Access::open,
     cluster_health, nullptr},
    {kGet, "/docs", "metadata", "", "Leads to the API reference", Access::open, docs_redirect, nullptr},
    {kGet, "/docs/", "metadata", "", "The API reference", Access::open, docs_page, nullptr},
    {kGet, "/openapi.yaml", "metadata", "", "OpenAPI description of the routes", Access::open, openapi,
     nullptr},
    {kGet, "/openapi-wss.yaml", "metadata", "", "Description of the WebSocket gateway", Access::open,
     openapi_wss, nullptr},
    {kGet, "/wss/info", "realtime", "", "State of the WebSocket gateway", Access::open, wss_info, nullptr},
    {kGet, "/clients", "schema", "", "List the active clients", Access::admin, list_clients, nullptr},
    {kGet, "/schema/clients", "schema", "", "List the active clients", Access::admin, list_clients, nullptr},
    {kGet, "/registry", "metadata", "", "List the registered APIs", Access::keyed, registry, nullptr},
    {kGet, "/registry/{api_registry_id}", "metadata", "", "One registered API", Access::keyed, registry_row,
     nullptr},
    {kGet, "/router/registry", "metadata", "", "List what host names lead to", Access::keyed, router_registry,
     nullptr},
    {kGet, "/metrics", "metrics", "", "Metrics in Prometheus' text format", Access::open, nullptr, metrics},
    {kGet, "/admin/errors/catalog", "admin", "", "All error codes", Access::admin, error_catalog, nullptr},
    {kGet, "/admin/backends", "admin", "", "Health of the clients' backends", Access::admin, list_backends,
     nullptr},
    {kPost, "/admin/backends/{client}/offline", "admin", "", "Force a backend offline", Access::admin,
     nullptr, force_backend_offline},
    {kPost, "/admin/backends/{client}/reset", "admin", "", "Reset a backend's health", Access::admin,
     reset_backend, nullptr},
    {kGet, "/admin/api-keys", "admin", "", "List the API keys", Access::admin, nullptr, list_api_keys},
    {kPost, "/admin/api-keys", "admin", "", "Make an API key", Access::admin, nullptr, create_api_key},
    {kGet, "/admin/api-keys/{id}", "admin", "", "One API key", Access::admin, nullptr, get_api_key},
    {kPatch, "/admin/api-keys/{id}", "admin", "", "Change an API key", Access::admin, nullptr,
     update_api_key},
    {kDelete, "/admin/api-keys/{id}", "admin", "", "Revoke an API key", Access::admin, nullptr,
     delete_api_key},
    {kGet, "/admin/api-key-rights", "admin", "", "List the rights that keys can have", Access::admin, nullptr,
     list_api_key_rights},
    {kPost, "/admin/api-key-rights", "admin", "", "Make a right", Access::admin, nullptr,
     create_api_key_right},
    {kPatch, "/admin/api-key-rights/{id}", "admin", "", "Change a right", Access::admin, nullptr,
     update_api_key_right},
    {kDelete, "/admin/api-key-rights/{id}", "admin", "", "Delete a right", Access::admin, nullptr,
     delete_api_key_right},
    {kGet, "/admin/api-key-config", "admin", "", "Where keys are asked for", Access::admin, nullptr,
     get_api_key_config},
    {kPut, "/admin/api-key-config", "admin", "", "Ask for keys, or not", Access::admin, nullptr,
     put_api_key_config},
    {kGet, "/admin/api-key-clients", "admin", "", "Overrides of clients", Access::admin, nullptr,
     list_api_key_clients},
    {kPut, "/admin/api-key-clients/{client_name}", "admin", "", "Ask for keys of one client, or not",
     Access::admin, nullptr, put_api_key_client},
    {kDelete, "/admin/api-key-clients/{client_name}", "admin", "", "Remove an override", Access::admin,
     nullptr, delete_api_key_client},
    {kGet, "/admin/clients", "admin", "", "List the clients of the catalogue", Access::admin, nullptr,
     list_catalogue},
    {kPost, "/admin/clients", "admin", "", "Make a client", Access::admin, nullptr, create_catalogue_client},
    {kGet, "/admin/clients/{client_name}", "admin", "", "One client", Access::admin, nullptr,
     get_catalogue_client},
    {kPatch, "/admin/clients/{client_name}", "admin", "", "Change a client", Access::admin, nullptr,
     update_catalogue_client},
    {kDelete, "/admin/clients/{client_name}", "admin", "", "Delete a client", Access::admin, nullptr,
     delete_catalogue_client},
    {kPut, "/admin/clients/{client_name}/freeze", "admin", "", "Freeze a client, or not", Access::admin,
     nullptr, freeze_catalogue_client},
    {kGet, "/admin/audit", "admin", "", "What operators changed", Access::admin, nullptr, list_audit},
};

}  // namespace

std::span<const Route> route_table() {
  return kTable;
}

}  // namespace athena::api
