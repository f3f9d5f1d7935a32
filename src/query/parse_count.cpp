#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

bool parse(ParseState& state, const Members& members, Count& count) {
  const bool has_table = members[Member::table_name] != nullptr || members[Member::view_name] != nullptr;
  const Path query_path{name(Member::query)};
  if (has_table && members[Member::query] != nullptr)
    return state.refuse(ErrorCode::invalid_payload, query_path, " cannot be used with table_name.");
  if (!has_table) {
    return state.refuse(ErrorCode::invalid_payload, Path{name(Member::table_name)},
                        " or query must say what is counted.");
  }
  return parse_target(state, members, count.target) &&
         parse_schema(state, members, Member::table_schema, name(Member::table_name), count.target) &&
         parse_conditions(state, members, count.conditions) && parse_count_mode(state, members, count.mode);
}

}  // namespace

contract::Result<Count> parse_count(const Value& body, const ParseContext& context) {
  ParseState state(context);
  Count count{.target = {}, .conditions = List<Predicate>(&context.memory)};
  if (!parse(state, Members(body), count)) return state.take_error();
  return count;
}

}  // namespace athena::query
