#pragma once

#include "api/call.h"

namespace athena::api {

// Routes on the gateway's own state; all for admin keys. Each follows docs/operations.md; errors go through
// Call::fail.
base::Task<void> list_api_keys(Call& call);
base::Task<void> get_api_key(Call& call);
base::Task<void> create_api_key(Call& call);
base::Task<void> update_api_key(Call& call);
base::Task<void> delete_api_key(Call& call);
base::Task<void> list_api_key_rights(Call& call);
base::Task<void> create_api_key_right(Call& call);
base::Task<void> update_api_key_right(Call& call);
base::Task<void> delete_api_key_right(Call& call);
void rights_catalog(Call& call);
base::Task<void> get_api_key_config(Call& call);
base::Task<void> put_api_key_config(Call& call);
base::Task<void> list_api_key_clients(Call& call);
base::Task<void> put_api_key_client(Call& call);
base::Task<void> delete_api_key_client(Call& call);
base::Task<void> list_audit(Call& call);
base::Task<void> list_catalogue(Call& call);
base::Task<void> get_catalogue_client(Call& call);
base::Task<void> create_catalogue_client(Call& call);
base::Task<void> update_catalogue_client(Call& call);
base::Task<void> freeze_catalogue_client(Call& call);
base::Task<void> delete_catalogue_client(Call& call);
base::Task<void> provision(Call& call);
base::Task<void> provision_status(Call& call);
base::Task<void> list_client_statistics(Call& call);
base::Task<void> refresh_client_statistics(Call& call);
base::Task<void> get_client_statistics(Call& call);
base::Task<void> drill_down(Call& call);
base::Task<void> list_connections(Call& call);
base::Task<void> list_request_log(Call& call);
base::Task<void> list_operation_log(Call& call);
base::Task<void> list_auth_log(Call& call);
base::Task<void> list_running(Call& call);
base::Task<void> cancel_running(Call& call);

}  // namespace athena::api
