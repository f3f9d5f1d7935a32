#include "query/parse.h"
#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

/// Reads one part of a table name, quoted or bare, from the front of `rest`; the dot behind it stays. A quote
/// counts only at the start of a part.
bool read_part(ParseState& state, std::string_view& rest, const Path& path, std::string_view& part) {
  if (!rest.starts_with('"')) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    part = rest.substr(0, dot);
    rest.remove_prefix(dot);
    return state.check_identifier(part, path);
  }
  std::string name;
  std::size_t at = 1;
  for (;; ++at) {
    if (at >= rest.size()) {
      return state.refuse(ErrorCode::invalid_identifier, path,
                          " has a quoted name without its closing quote.");
    }
    if (rest[at] == '"') {
      if (at + 1 >= rest.size() || rest[at + 1] != '"') break;
      ++at;
    }
    name += rest[at];
  }
  part = state.keep(name);
  rest.remove_prefix(at + 1);
  if (!rest.empty() && !rest.starts_with('.')) {
    return state.refuse(ErrorCode::invalid_identifier, path, " has text behind a quoted name.");
  }
  return state.check_identifier(part, path);
}

}  // namespace

bool parse_dotted_name(ParseState& state, std::string_view text, const Path& path, Target& target) {
  std::string_view rest = text;
  if (!read_part(state, rest, path, target.table)) return false;
  if (rest.empty()) return true;
  target.schema = target.table;
  rest.remove_prefix(1);
  if (!read_part(state, rest, path, target.table)) return false;
  return rest.empty() ||
         state.refuse(ErrorCode::invalid_identifier, path, " has more than two dotted parts.");
}

bool parse_schema(ParseState& state, const Members& members, Member member, std::string_view named_by,
                  Target& target) {
  const Value* schema = members[member];
  if (schema == nullptr) return true;
  const Path path{name(member)};
  if (!schema->is_string()) return state.wrong_type(path, "a string");
  if (!state.check_identifier(schema->text, path)) return false;
  if (!target.schema.empty() && target.schema != schema->text) {
    return state.refuse(ErrorCode::invalid_payload, path,
                        " contradicts the schema of " + std::string(named_by) + ".");
  }
  target.schema = schema->text;
  return true;
}

bool parse_target(ParseState& state, const Members& members, Target& target) {
  const Path table_path{name(Member::table_name)};
  const Path view_path{name(Member::view_name)};
  const Value* table = members[Member::table_name];
  const Value* view = members[Member::view_name];
  if (table != nullptr && !table->is_string()) return state.wrong_type(table_path, "a string");
  if (view != nullptr && !view->is_string()) return state.wrong_type(view_path, "a string");
  if (table != nullptr && view != nullptr && table->text != view->text) {
    return state.refuse(ErrorCode::invalid_payload, view_path, " names something else than table_name.");
  }
  const Value* given = table != nullptr ? table : view;
  if (given == nullptr || trimmed(given->text).empty()) return state.missing(table_path);
  const Path& path = table != nullptr ? table_path : view_path;
  if (!parse_dotted_name(state, given->text, path, target)) return false;
  if (!target.schema.empty() && !state.settings().allow_schema_names_prefixed_as_table_name) {
    return state.refuse(ErrorCode::invalid_identifier, path,
                        " must not name a schema; this gateway allows none there.");
  }
  return parse_schema(state, members, Member::schema_name, name(Member::table_name), target);
}

contract::Result<Target> parse_table_name(const Value& body, const ParseContext& context) {
  ParseState state(context);
  Target target;
  if (!parse_target(state, Members(body), target)) return state.take_error();
  return target;
}

}  // namespace athena::query
