#include "engines/sqltext/classify.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engines/sqltext/count_query.h"
#include "engines/sqltext/keywords.h"
#include "engines/sqltext/lexer.h"
#include "engines/sqltext/parser.h"
#include "engines/sqltext/tree.h"
#include "engines/sqltext/used_names.h"

namespace athena::sqltext {
namespace {

using enum StatementClass;

struct Known {
  std::string_view tag;
  StatementClass kind;
  std::string_view command;
};

// Every statement that is not here is ddl.
constexpr auto kKnown = std::to_array<Known>({
    {"SelectStmt", read, ""},
    {"VariableShowStmt", read, ""},
    {"ExplainStmt", read, ""},
    {"InsertStmt", write, ""},
    {"UpdateStmt", write, ""},
    {"DeleteStmt", write, ""},
    {"MergeStmt", write, ""},
    {"VariableSetStmt", session, ""},
    {"PrepareStmt", session, ""},
    {"ExecuteStmt", session, ""},
    {"DeallocateStmt", session, ""},
    {"DeclareCursorStmt", session, ""},
    {"FetchStmt", session, ""},
    {"ClosePortalStmt", session, ""},
    {"LockStmt", session, ""},
    {"NotifyStmt", session, ""},
    {"TransactionStmt", session, ""},
    {"ConstraintsSetStmt", session, ""},
    {"DiscardStmt", session, ""},
    {"CheckPointStmt", session, ""},
    {"CopyStmt", refused, "COPY"},
    {"ListenStmt", refused, "LISTEN"},
    {"UnlistenStmt", refused, "UNLISTEN"},
    {"LoadStmt", refused, "LOAD"},
    {"AlterSystemStmt", refused, "ALTER SYSTEM"},
});

std::size_t number(std::string_view digits) {
  std::size_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// EXPLAIN runs its statement: the last ANALYZE among the options counts.
bool analyzes(const Tree& tree, std::uint32_t explain) {
  const auto options = tree.child(explain, "options");
  if (options == Tree::kNone) return false;
  bool analyze = false;
  for (auto item = tree.first_child(options); item != Tree::kNone; item = tree.next_sibling(item)) {
    const auto option = tree.child(item, "DefElem");
    if (option == Tree::kNone || tree.text(option, "defname") != "analyze") continue;
    analyze = true;
    const auto argument = tree.child(option, "arg");
    if (argument == Tree::kNone) continue;
    const auto string = tree.child(argument, "String"), integer = tree.child(argument, "Integer");
    if (string != Tree::kNone) {
      const auto word = tree.text(string, "sval");
      analyze = word != "false" && word != "off";
    } else if (integer != Tree::kNone) {
      const auto digits = tree.text(integer, "ival");
      analyze = !digits.empty() && digits != "0";
    }
  }
  return analyze;
}

/// A read by its beginning: unless something in it writes or locks.
StatementClass look_for_writes(const Tree& tree, std::uint32_t begin, std::uint32_t end) {
  for (std::uint32_t index = begin; index < end; ++index) {
    const auto key = tree[index].key;
    if (!tree[index].container) continue;
    if (key == "InsertStmt" || key == "UpdateStmt" || key == "DeleteStmt" || key == "MergeStmt" ||
        key == "intoClause" || key == "lockingClause") {
      return write;
    }
  }
  return read;
}

StatementClass class_of(const Tree& tree, std::uint32_t statement, std::string_view& command) {
  const auto tag = tree[statement].key;
  const auto* const known = std::ranges::find(kKnown, tag, &Known::tag);
  if (known == kKnown.end()) return ddl;
  command = known->command;
  if (tag == "ExplainStmt") {
    if (!analyzes(tree, statement)) return read;
    const auto query = tree.child(statement, "query");
    const auto inner = query == Tree::kNone ? Tree::kNone : tree.first_child(query);
    return inner == Tree::kNone ? ddl : class_of(tree, inner, command);
  }
  if (known->kind != read) return known->kind;
  return look_for_writes(tree, statement, tree[statement].end);
}

/// LIMIT with a number; none when it is anything else.
std::optional<std::int64_t> constant_limit(const Tree& tree, std::uint32_t select) {
  const auto count = tree.child(select, "limitCount");
  if (count == Tree::kNone || tree.text(select, "limitOption") != "LIMIT_OPTION_COUNT") return std::nullopt;
  const auto constant = tree.child(count, "A_Const");
  const auto integer = constant == Tree::kNone ? Tree::kNone : tree.child(constant, "ival");
  if (integer == Tree::kNone) return std::nullopt;
  const auto digits = tree.text(integer, "ival");  // absent for 0
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!digits.empty() && failed != std::errc()) return std::nullopt;
  return value >= 0 ? std::optional(value) : std::nullopt;
}

bool counts_only(const Tree& tree, std::uint32_t select) {
  for (auto part = tree.first_child(select); part != Tree::kNone; part = tree.next_sibling(part)) {
    const auto key = tree[part].key;
    const bool harmless = key == "targetList" || key == "fromClause" || key == "whereClause" ||
                          key == "withClause" || (key == "op" && tree[part].scalar == "SETOP_NONE") ||
                          (key == "limitOption" && tree[part].scalar == "LIMIT_OPTION_DEFAULT");
    if (!harmless) return false;
  }
  const auto targets = tree.child(select, "targetList");
  const auto only = targets == Tree::kNone ? Tree::kNone : tree.first_child(targets);
  if (only == Tree::kNone || tree.next_sibling(only) != Tree::kNone) return false;
  const auto target = tree.child(only, "ResTarget");
  const auto value = target == Tree::kNone ? Tree::kNone : tree.child(target, "val");
  const auto call = value == Tree::kNone ? Tree::kNone : tree.child(value, "FuncCall");
  if (call == Tree::kNone || tree.child(call, "over") != Tree::kNone) return false;
  std::vector<std::string_view> names;
  const auto list = tree.child(call, "funcname");
  if (list == Tree::kNone || !read_names(tree, list, names) || names.empty() || names.size() > 2)
    return false;
  return names.back() == "count" && (names.size() == 1 || names.front() == "pg_catalog");
}

TextClass read_tree(const Tree& tree) {
  TextClass result;
  const auto list = tree.child(0, "stmts");
  if (list == Tree::kNone) return result;
  for (auto item = tree.first_child(list); item != Tree::kNone; item = tree.next_sibling(item)) {
    const auto holder = tree.child(item, "stmt");
    const auto statement = holder == Tree::kNone ? Tree::kNone : tree.first_child(holder);
    if (statement == Tree::kNone) continue;
    StatementText& entry = result.statements.emplace_back();
    entry.begin = number(tree.text(item, "stmt_location"));
    entry.kind = class_of(tree, statement, entry.command);
    result.kind = std::max(result.kind, entry.kind);
  }
  for (std::uint32_t index = 0; index < tree.nodes().size(); ++index) {
    if (tree[index].key != "ParamRef") continue;
    result.parameters = std::max(result.parameters, static_cast<int>(number(tree.text(index, "number"))));
  }
  if (result.statements.size() != 1) return result;
  const auto statement = tree.first_child(tree.child(tree.first_child(list), "stmt"));
  const bool select = tree[statement].key == "SelectStmt";
  result.plain =
      collect_names(tree, statement, tree[statement].end, result.names) && select && result.kind == read;
  if (!select) return result;
  result.counts = result.kind == read && counts_only(tree, statement);
  result.limit = constant_limit(tree, statement);
  return result;
}

}  // namespace

std::string_view name(StatementClass kind) {
  constexpr std::array<std::string_view, 6> kNames{"read",    "write",   "ddl",
                                                   "session", "refused", "unparsable"};
  return kNames[static_cast<std::size_t>(kind)];
}

TextClass classify(std::string_view text) {
  if (text.size() > ParsedText::kMostParsed) return classify_by_keywords(text);
  TextClass result;
  const auto depth = depth_bound(text);
  if (depth > ParsedText::kDeepest) {
    result.too_complex = true;
    return result;
  }
  const ParsedText parsed(text, depth);
  Tree tree;
  if (parsed.failed()) {
    result.too_complex = true;
  } else if (parsed.json().empty() || !tree.read(parsed.json())) {
    result.statements.push_back({unparsable, 0, {}});
    result.kind = unparsable;
  } else {
    return read_tree(tree);
  }
  return result;
}

bool is_count_query(std::string_view text) {
  if (text.size() > ParsedText::kMostParsed || text.find('\0') != std::string_view::npos) return false;
  try {
    return classify(text).counts;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace athena::sqltext
