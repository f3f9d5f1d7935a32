#pragma once

#include <memory_resource>
#include <string_view>

#include "contract/error.h"
#include "contract/settings.h"
#include "query/request.h"

namespace athena::query {

struct ParseContext {
  std::pmr::memory_resource& memory;  ///< of the request; everything parsed lives there
  const contract::GatewaySettings& settings;
  std::int64_t max_rows;  ///< settings.max_rows, or the client's lower limit
};

/// Members of a fetch body that are not part of the query itself.
struct ReadOptions {
  bool strip_nulls = false;  ///< of the body; a header wins over it
};

/// Body text → JSON tree. An empty body reads as `{}`. Errors: invalid_json with position, line, column;
/// invalid_payload when the document is no object.
contract::Result<const Value*> parse_body(std::string_view body, std::pmr::memory_resource& memory);

/// The four operations from their documented body forms (docs/gateway.md). Unknown members are ignored;
/// members of the wrong type are invalid_payload with `details.member`; features that are not built
/// (relations, cursor, head, count of a fetch, post-processing, or/and/not as text) are
/// capability_not_supported with `details.requires`. Nothing is looked up in a schema here.
contract::Result<Select> parse_select(const Value& body, const ParseContext& context, ReadOptions& options);
contract::Result<Insert> parse_insert(const Value& body, const ParseContext& context);
contract::Result<Update> parse_update(const Value& body, const ParseContext& context, ReadOptions& options);
contract::Result<Delete> parse_delete(const Value& body, const ParseContext& context);

/// `userId` → `user_id` by the rule of the contract (gateway.force_camel_case_to_snake_case). Returns `name`
/// itself when nothing changes, else text in `memory`.
std::string_view to_snake_case(std::string_view name, std::pmr::memory_resource& memory);

}  // namespace athena::query
