#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_builder.h"
#include "services/control/change.h"

namespace athena::control {

/// An API key as operators see it; the key itself is in no record.
struct KeyRecord {
  std::int64_t row_id = 0;  ///< never leaves the store
  std::string id, public_id, name;
  std::optional<std::string> description, client_name, expires_at, last_used_at, archived_at;
  bool is_active = true;
  std::string created_at, updated_at;
  std::vector<std::string> rights;  ///< sorted
};
/// The record as it is sent and audited.
void append(base::JsonBuilder& json, const KeyRecord& record);

/// What a key is made of, or changed to. Texts are trimmed and checked by check().
struct KeyFields {
  std::optional<std::string> name;
  /// Outer nothing = absent (keep); inner nothing = null (clear).
  std::optional<std::optional<std::string>> description, client_name;
  std::optional<std::optional<std::int64_t>> expires_at_ms;
  std::optional<bool> is_active;
  std::optional<std::vector<std::string>> rights;
};
/// Lengths, the time in the future for new keys, the name that new keys need. Trims the texts.
contract::Result<void> check(KeyFields& fields, bool is_new);

/// The text of a new key, `ath_{16 hex}.{64 hex}`, and what is stored of it.
struct NewKey {
  std::string text, public_id, salt, hash;
};
NewKey make_key();
/// Lower-case hex SHA-256 of `salt:secret`.
std::string key_hash(std::string_view salt, std::string_view secret);

struct CreatedKey {
  std::string text;  ///< shown once
  KeyRecord record;
};
/// Errors: unknown_right, limit_reached (`most` unarchived keys are there). The database writes nothing then.
StoreResult<contract::Result<CreatedKey>> create_key(Session& session, const KeyFields& fields,
                                                     std::int64_t most, const Actor& actor);
/// Errors: not_found (archived ones too), unknown_right. Fields that say what holds already change nothing,
/// not even updated_at.
Outcome<KeyRecord> update_key(Session& session, const std::string& id, const KeyFields& fields,
                              const Actor& actor);
/// For good. Error: not_found. `id` is the uuid or the public id; the record as it was archived.
Outcome<KeyRecord> archive_key(Session& session, const std::string& id, const Actor& actor);
Outcome<KeyRecord> find_key(Session& session, const std::string& id);

struct KeyFilter {
  std::string client_name;  ///< empty = every client; compared without case
  std::optional<bool> is_active;
  std::string name_part;  ///< in any case
  bool include_archived = false;
  std::int64_t before_row = 0;  ///< 0 = from the newest on; else rows older than this one
  std::int64_t limit = 100;
};
/// Newest first; one more than `limit` when there is more.
StoreResult<std::vector<KeyRecord>> list_keys(Session& session, const KeyFilter& filter);

}  // namespace athena::control
