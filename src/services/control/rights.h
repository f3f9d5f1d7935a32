#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_builder.h"
#include "services/control/change.h"

namespace athena::control {

/// A right that can be given to keys.
struct RightRecord {
  std::int64_t row_id = 0;  ///< never leaves the store
  std::string id, name;
  std::optional<std::string> description;
  std::string created_at, updated_at;
};
void append(base::JsonBuilder& json, const RightRecord& right);

/// A right that is there from the start.
struct BuiltInRight {
  std::string_view name, description;
};
std::span<const BuiltInRight> built_in_rights();

struct RightFields {
  std::optional<std::string> name;
  std::optional<std::optional<std::string>> description;  ///< inner nothing = clear
};
/// `*`, or 1–8 parts of `[A-Za-z0-9_$*-]` joined by dots, at most 200 characters.
contract::Result<void> check(const RightFields& fields, bool is_new);

StoreResult<std::vector<RightRecord>> list_rights(Session& session);
/// Error: already_exists.
Outcome<RightRecord> create_right(Session& session, const RightFields& fields, const Actor& actor);
/// Grants follow a new name. Errors: not_found, already_exists.
Outcome<RightRecord> update_right(Session& session, const std::string& id, const RightFields& fields,
                                  const Actor& actor);
/// Grants go with it. Error: not_found.
Outcome<RightRecord> delete_right(Session& session, const std::string& id, const Actor& actor);

}  // namespace athena::control
