#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_builder.h"
#include "contract/client_definition.h"
#include "services/control/change.h"

namespace athena::control {

/// At most so many clients that are not deleted.
inline constexpr std::int64_t kMostClients = 10000;

/// A row of the catalogue. Holds secrets: only append() shows it.
struct ClientRow {
  std::int64_t row_id = 0;  ///< never leaves the store
  std::string id, client_name;
  std::optional<std::string> description;
  std::optional<std::string> pg_uri, pg_uri_env_var, config_uri_template;
  std::string engine = "postgresql";  ///< as it was given: an alias stays one
  std::string connection;             ///< JSON object, empty = none
  std::string metadata = "{}";        ///< JSON object, without engine and connection
  std::string source = "database";    ///< config, database, merged
  bool is_active = true, is_frozen = false;
  std::optional<std::string> last_synced_from_config_at, last_seen_at, deleted_at;
  std::string created_at, updated_at;
  std::int64_t change_version = 0;

  [[nodiscard]] contract::Lifecycle lifecycle() const {
    return !is_active  ? contract::Lifecycle::inactive
           : is_frozen ? contract::Lifecycle::frozen
                       : contract::Lifecycle::active;
  }
};
/// The record as it is sent and audited: secrets as ***.
void append(base::JsonBuilder& json, const ClientRow& row);
/// Its members pg_uri, pg_uri_env_var and config_uri_template, as append() writes them.
void append_places(base::JsonBuilder& json, const ClientRow& row);
/// The engine's own name for a name or alias.
std::string engine_text(std::string_view engine);

/// What a client is made of, or changed to. Outer nothing = absent (keep); inner nothing = null (clear).
struct ClientFields {
  std::optional<std::string> client_name;  ///< of new ones
  std::optional<std::string> engine;
  std::optional<std::optional<std::string>> description, pg_uri, pg_uri_env_var;
  std::optional<std::optional<std::string>> connection;  ///< JSON object
  std::optional<std::string> metadata;                   ///< JSON object
  std::optional<bool> is_active, is_frozen;
  /// One of the members that say where the database is.
  [[nodiscard]] bool changes_connection() const { return engine || pg_uri || pg_uri_env_var || connection; }
};
/// Forms, lengths, what excludes each other, masked secrets. Trims the name. Whether the whole is a client
/// that this program can work with says the check given to create and update.
contract::Result<void> check(ClientFields& fields, bool is_new);

/// Whether a row makes a client; runs before anything is written.
using CheckClient = std::function<contract::Result<void>(const ClientRow&)>;

/// The row that create_client() would write.
ClientRow new_client(const ClientFields& fields);
/// The row that update_client() would write; nothing is written. Errors: not_found, missing_field.
Outcome<ClientRow> preview_update(Session& session, const std::string& name, const ClientFields& fields);

/// Errors: already_exists, limit_reached, unique_violation (a host label), those of `fits`.
Outcome<ClientRow> create_client(Session& session, const ClientFields& fields, const CheckClient& fits,
                                 const Actor& actor);
/// Errors: not_found, missing_field (nothing is left to connect with), unique_violation, those of `fits`.
/// What says what holds already changes nothing, not even updated_at; but a member of the connection makes a
/// row of source config a merged one.
Outcome<ClientRow> update_client(Session& session, const std::string& name, const ClientFields& fields,
                                 const CheckClient& fits, const Actor& actor);
/// Error: not_found.
Outcome<ClientRow> freeze_client(Session& session, const std::string& name, bool frozen, const Actor& actor);
/// For good; the name is free then. Error: not_found.
Outcome<ClientRow> delete_client(Session& session, const std::string& name, const Actor& actor);

/// Not deleted; name in any case. Error: not_found.
Outcome<ClientRow> find_client(Session& session, const std::string& name);

struct ClientFilter {
  bool include_deleted = false;
  std::string after_name = {};  ///< in lower case; empty = from the first on
  std::int64_t after_row = 0;   ///< of that name
  std::int64_t limit = 500;
};
/// By name; one more than `limit` when there is more.
StoreResult<std::vector<ClientRow>> list_clients(Session& session, const ClientFilter& filter);

struct SyncReport {
  std::vector<std::string> inserted;
  std::vector<std::string> deleted;  ///< configured, but all their rows are deleted
};
/// Gives each configured client that has no row one; those that have one get its last_synced_from_config_at
/// and nothing else. Safe against instances that do the same.
StoreResult<SyncReport> sync_config(Session& session, std::span<const ClientRow> configured,
                                    const Actor& actor);

// ---- for who works with the same rows ----
/// The record as a text.
std::string json_of(const ClientRow& row);
/// Inside a Change. False when a row of that name was there before; gives the row its row id otherwise.
StoreResult<bool> insert_client(Session& session, ClientRow& row);
/// In this order: the columns of row_of().
extern const std::string_view kClientColumns;
ClientRow client_of(const Row& row);

}  // namespace athena::control
