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

}  // namespace athena::api
