#include <algorithm>
#include <array>

#include "query/expression.h"
#include "query/parse_parts.h"
#include "query/url_values.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

/// What a body has beside `function`.
constexpr std::array kDocumented = {Member::schema,  Member::args,  Member::select,
                                    Member::filters, Member::order, Member::limit,
                                    Member::offset,  Member::count, Member::head};
constexpr std::array<std::string_view, 7> kReserved = {"schema", "select", "count", "limit",
                                                       "offset", "order",  "head"};

bool is_among(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_documented(std::string_view member) {
  return std::any_of(kDocumented.begin(), kDocumented.end(),
                     [member](Member known) { return name(known) == member; });
}

bool read_schema(ParseState& state, const Members& members, Target& target) {
  return parse_schema(state, members, Member::schema, name(Member::function), target);
}

bool read_path_name(ParseState& state, std::string_view function, Target& target) {
  return parse_dotted_name(state, function, Path{name(Member::function)}, target);
}

bool read_body_name(ParseState& state, const Members& members, Target& target) {
  const Path function_path{name(Member::function)};
  const Path other_path{name(Member::function_name)};
  const Value* function = members[Member::function];
  const Value* other = members[Member::function_name];
  if (function != nullptr && !function->is_string()) return state.wrong_type(function_path, "a string");
  if (other != nullptr && !other->is_string()) return state.wrong_type(other_path, "a string");
  if (function != nullptr && other != nullptr && function->text != other->text) {
    return state.refuse(ErrorCode::invalid_payload, other_path, " names something else than function.");
  }
  const Value* given = function != nullptr ? function : other;
  if (given == nullptr || trimmed(given->text).empty()) return state.missing(function_path);
  return parse_dotted_name(state, given->text, function != nullptr ? function_path : other_path, target);
}

/// Whether `schema` of a body below a path with the function's name says where the function is: as soon as
/// other members are arguments, it is one itself.
bool gives_schema(const Value& body) {
  return std::all_of(body.members.begin(), body.members.end(),
                     [](const JsonMember& member) { return is_documented(member.name); });
}

bool read_name(ParseState& state, std::string_view function, const Value& body, const Members& members,
               Target& target) {
  if (function.empty()) return read_body_name(state, members, target) && read_schema(state, members, target);
  return read_path_name(state, function, target) &&
         (!gives_schema(body) || read_schema(state, members, target));
}

bool is_argument_object(const Value& body, const Members& members,
                        std::span<const std::string_view> argument_names) {
  const bool names_schema = members[Member::schema] != nullptr && gives_schema(body);
  return !names_schema &&
         std::all_of(body.members.begin(), body.members.end(), [argument_names](const JsonMember& member) {
           return is_among(argument_names, member.name);
         });
}

/// Sort and page members that a function call does not have.
void forget_others(Members& members) {
  for (const Member member : {Member::sort_by, Member::sort_by_camel, Member::order_by_camel,
                              Member::page_size, Member::current_page, Member::cursor}) {
    members.forget(member);
  }
}

bool read_count(ParseState& state, const Members& members, CountMode& mode) {
  const Value* count = members[Member::count];
  if (count == nullptr) return true;
  if (!count->is_string() || count->text != "exact")
    return state.wrong_type(Path{name(Member::count)}, "exact");
  mode = CountMode::exact;
  return true;
}

/// What is done with the rows.
bool read_rows(ParseState& state, Members members, FunctionCall& call) {
  forget_others(members);
  if (const Value* select = members[Member::select]; select != nullptr) {
    ColumnList list(state.memory());
    if (!parse_selection(state, *select, Path{name(Member::select)}, list)) return false;
    call.columns = std::move(list.columns);
  }
  return parse_condition_list(state, members, Member::filters, call.conditions) &&
         parse_sort(state, members, call.sort) && parse_page(state, members, true, call.page) &&
         read_count(state, members, call.count) && parse_flag(state, members, Member::head, call.head);
}

bool read_arguments(ParseState& state, const Members& members, List<JsonMember>& arguments) {
  const Value* args = members[Member::args];
  if (args == nullptr) return true;
  if (!args->is_object()) return state.wrong_type(Path{name(Member::args)}, "an object");
  arguments.assign(args->members.begin(), args->members.end());
  return true;
}

FunctionCall empty_call(std::pmr::memory_resource& memory) {
  return {.function = {},
          .arguments = List<JsonMember>(&memory),
          .columns = List<Projection>(&memory),
          .conditions = List<Predicate>(&memory),
          .sort = List<SortTerm>(&memory),
          .page = {}};
}

bool parse_body_call(ParseState& state, std::string_view function, const Value& body,
                     std::span<const std::string_view> argument_names, FunctionCall& call) {
  Members members(body);
  if (!function.empty() && is_argument_object(body, members, argument_names)) {
    call.arguments.assign(body.members.begin(), body.members.end());
    return read_path_name(state, function, call.function) &&
           parse_page(state, Members(Value{}), true, call.page);
  }
  const bool named = function.empty() ? read_body_name(state, members, call.function)
                                      : read_path_name(state, function, call.function);
  return named && read_schema(state, members, call.function) &&
         read_arguments(state, members, call.arguments) && read_rows(state, members, call);
}

/// A parameter that the contract reserves, as the member of a body.
const Value* reserved_value(ParseState& state, const UrlParameter& parameter) {
  const Path path{parameter.name};
  if (parameter.name == "limit" || parameter.name == "offset")
    return url_number(state, parameter.value, path);
  if (parameter.name == "head") return url_flag(state, parameter.value, path);
  return url_text(state, parameter.value);
}

bool refuse_parameter(ParseState& state, const UrlParameter& parameter,
                      std::span<const std::string_view> argument_names) {
  const auto near = contract::near_names(parameter.name, argument_names);
  return state.fail(contract::Error(ErrorCode::undefined_column,
                                    "The parameter " + shown(parameter.name) +
                                        " is no argument of the function, and its value is no filter like "
                                        "eq.1.")
                        .with("column", parameter.name)
                        .with("suggestions", std::span<const std::string>(near))
                        .hint(contract::did_you_mean(near)));
}

bool add_argument(ParseState& state, const UrlParameter& parameter, List<JsonMember>& arguments) {
  const auto same = [&parameter](const JsonMember& argument) { return argument.name == parameter.name; };
  if (std::any_of(arguments.begin(), arguments.end(), same))
    return state.refuse(ErrorCode::invalid_payload, Path{parameter.name}, " is given more than once.");
  arguments.push_back({parameter.name, url_text(state, parameter.value)});
  return true;
}

bool add_filter(ParseState& state, const UrlParameter& parameter, List<Predicate>& conditions) {
  const Path path{parameter.name};
  return parse_filter(state, parameter.name, parameter.value, path, conditions.emplace_back());
}

bool parse_url_call(ParseState& state, std::string_view function, std::span<const UrlParameter> parameters,
                    std::span<const std::string_view> argument_names, FunctionCall& call) {
  List<JsonMember> reserved(&state.memory());
  for (const UrlParameter& parameter : parameters) {
    bool added = true;
    if (is_among(kReserved, parameter.name)) {
      const Value* value = reserved_value(state, parameter);
      if (value == nullptr) return false;
      reserved.push_back({parameter.name, value});
    } else if (is_among(argument_names, parameter.name)) {
      added = add_argument(state, parameter, call.arguments);
    } else if (is_filter(parameter.value)) {
      added = add_filter(state, parameter, call.conditions);
    } else {
      added = refuse_parameter(state, parameter, argument_names);
    }
    if (!added) return false;
  }
  reserved.resize(base::keep_last_members(reserved));
  const Members members(*url_object(state, reserved));
  call.read_only = true;
  return read_path_name(state, function, call.function) && read_schema(state, members, call.function) &&
         read_rows(state, members, call);
}

}  // namespace

contract::Result<Target> parse_function_name(std::string_view function, const Value& body,
                                             const ParseContext& context) {
  ParseState state(context);
  Target target;
  if (!read_name(state, function, body, Members(body), target)) return state.take_error();
  return target;
}

contract::Result<FunctionCall> parse_function_call(std::string_view function, const Value& body,
                                                   std::span<const std::string_view> argument_names,
                                                   const ParseContext& context) {
  ParseState state(context);
  FunctionCall call = empty_call(context.memory);
  if (!parse_body_call(state, function, body, argument_names, call)) return state.take_error();
  return call;
}

contract::Result<FunctionCall> parse_function_url(std::string_view function,
                                                  std::span<const UrlParameter> parameters,
                                                  std::span<const std::string_view> argument_names,
                                                  const ParseContext& context) {
  ParseState state(context);
  FunctionCall call = empty_call(context.memory);
  if (!parse_url_call(state, function, parameters, argument_names, call)) return state.take_error();
  return call;
}

}  // namespace athena::query
