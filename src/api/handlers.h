#pragma once

#include "api/call.h"

namespace athena::api {

// Discovery, probes and administration. Each follows docs/http.md; errors go through Call::fail.
void root(Call& call);
void ping(Call& call);
void live(Call& call);
void ready(Call& call);
void health(Call& call);
void cluster_health(Call& call);
base::Task<void> metrics(Call& call);
void error_catalog(Call& call);
void capabilities(Call& call);
base::Task<void> schema_tables(Call& call);
base::Task<void> schema_columns(Call& call);
base::Task<void> schema_constraints(Call& call);
base::Task<void> schema_migrations(Call& call);
base::Task<void> schema_overview(Call& call);
void list_backends(Call& call);
base::Task<void> force_backend_offline(Call& call);
base::Task<void> reset_backend(Call& call);
void docs_redirect(Call& call);
void docs_page(Call& call);
void openapi(Call& call);
void openapi_wss(Call& call);
void registry(Call& call);
void registry_row(Call& call);
void router_registry(Call& call);
void list_clients(Call& call);
void wss_info(Call& call);

}  // namespace athena::api
