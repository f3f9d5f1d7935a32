#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>

#include "contract/error.h"
#include "contract/settings.h"
#include "query/function_call.h"
#include "query/grouping.h"
#include "query/raw_text.h"
#include "query/request.h"

namespace athena::query {

struct ParseContext {
  std::pmr::memory_resource& memory;  ///< of the request; everything parsed lives there
  const contract::GatewaySettings& settings;
  std::int64_t
      max_rows;  ///< settings.max_rows, or the client's lower limit; of a stream settings.max_stream_rows
  bool stream = false;  ///< CSV or NDJSON: the default limit is max_rows, grouping is refused
};

/// Members of a fetch body that are not part of the query itself.
struct ReadOptions {
  bool strip_nulls = false;  ///< of the body; a header wins over it
  std::optional<Grouping> grouping;
};

/// A query parameter, decoded.
struct UrlParameter {
  std::string_view name;
  std::string_view value;
};

/// Body text → JSON tree. An empty body reads as `{}`. Errors: invalid_json with position, line, column;
/// invalid_payload when the document is no object.
contract::Result<const Value*> parse_body(std::string_view body, std::pmr::memory_resource& memory);

/// The operations from their documented body forms (docs/gateway.md). Unknown members are ignored; members of
/// the wrong type are invalid_payload with `details.member`; features that are not built (relations, cursor)
/// are capability_not_supported with `details.requires`; grouping members that do not fit are
/// invalid_post_processing. Nothing is looked up in a schema here.
contract::Result<Select> parse_select(const Value& body, const ParseContext& context, ReadOptions& options);
contract::Result<Insert> parse_insert(const Value& body, const ParseContext& context);
contract::Result<Update> parse_update(const Value& body, const ParseContext& context, ReadOptions& options);
contract::Result<Delete> parse_delete(const Value& body, const ParseContext& context);

/// The table that a body names, and nothing else of it.
contract::Result<Target> parse_table_name(const Value& body, const ParseContext& context);

/// The table form of a count: table_name, table_schema (or schema_name), conditions, where, count (exact when
/// absent).
contract::Result<Count> parse_count(const Value& body, const ParseContext& context);

/// The body of GET /data: its parameters as the members of a fetch body, in `memory`. Repeated eq_column and
/// eq_value are paired by order; one without the other is missing_field, a number that is none
/// invalid_payload. Unknown parameters are ignored.
contract::Result<const Value*> parse_data_parameters(std::span<const UrlParameter> parameters,
                                                     std::pmr::memory_resource& memory);

/// A function call. `function` is the name in the path (`schema.function` allowed), empty when the body names
/// it. A body whose members are all among `argument_names` is the argument object itself when the name came
/// with the path; else the documented members.
contract::Result<FunctionCall> parse_function_call(std::string_view function, const Value& body,
                                                   std::span<const std::string_view> argument_names,
                                                   const ParseContext& context);
/// The function that a call names, so that its signatures can be asked for before the rest is parsed.
contract::Result<Target> parse_function_name(std::string_view function, const Value& body,
                                             const ParseContext& context);
/// GET /rpc/{function}: schema, select, count, limit, offset, order, head; other keys are arguments when they
/// are among `argument_names`, else filters `op.value`, else undefined_column. Argument values are text.
contract::Result<FunctionCall> parse_function_url(std::string_view function,
                                                  std::span<const UrlParameter> parameters,
                                                  std::span<const std::string_view> argument_names,
                                                  const ParseContext& context);

/// SQL of the caller with its members: query, params, read_only, timeout_ms, max_rows, schema_name.
contract::Result<RawText> parse_raw_text(const Value& body, const ParseContext& context);

/// `userId` → `user_id` by the rule of the contract (gateway.force_camel_case_to_snake_case). Returns `name`
/// itself when nothing changes, else text in `memory`.
std::string_view to_snake_case(std::string_view name, std::pmr::memory_resource& memory);

}  // namespace athena::query
