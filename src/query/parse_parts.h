#pragma once

#include <optional>
#include <string_view>

#include "query/members.h"
#include "query/parse_state.h"

// The parts of a request. Every function returns false after a failure, which is then in the state.

namespace athena::query {

/// table_name, view_name, schema_name.
bool parse_target(ParseState& state, const Members& members, Target& target);
/// `name` or `schema.name`, either part in double quotes or bare.
bool parse_dotted_name(ParseState& state, std::string_view text, const Path& path, Target& target);
/// A member that gives the schema of `target`, whose name came with the member `named_by`.
bool parse_schema(ParseState& state, const Members& members, Member member, std::string_view named_by,
                  Target& target);

/// `column->key->>key` into name and path.
bool parse_column_ref(ParseState& state, std::string_view text, const Path& path, ColumnRef& column);
inline constexpr std::size_t kMaxJsonSteps = 64;
/// Stores a path of at most that many steps, copied; `is_index` of the steps is set here.
bool set_column_path(ParseState& state, std::span<const JsonStep> steps, const Path& path, ColumnRef& column);
/// The name of a type behind `::`.
bool check_cast(ParseState& state, std::string_view type, const Path& path);

struct ColumnList {
  explicit ColumnList(std::pmr::memory_resource& memory) : columns(&memory) {}
  List<Projection> columns;  ///< empty = all
  bool none = false;         ///< `[]` was given
};
/// `columns` in its string and array form. `member` names it.
bool parse_columns(ParseState& state, const Value& value, const Path& path, ColumnList& list);
/// The object form of `select`: `{col: true}`.
bool parse_select_object(ParseState& state, const Value& value, const Path& path, ColumnList& list);
/// Either of them.
bool parse_selection(ParseState& state, const Value& value, const Path& path, ColumnList& list);
/// The key of the entry in returned rows, before any change of case; `*` of `*`.
std::string_view output_name(const Projection& entry);

/// conditions, where_filters and where, all ANDed.
bool parse_conditions(ParseState& state, const Members& members, List<Predicate>& conditions);
/// One member that is an array of entries.
bool parse_condition_list(ParseState& state, const Members& members, Member member,
                          List<Predicate>& conditions);
/// The object form `where`.
bool parse_where(ParseState& state, const Value& value, const Path& path, List<Predicate>& conditions);

/// sort_by and its other names.
bool parse_sort(ParseState& state, const Members& members, List<SortTerm>& sort);

/// limit, page_size, current_page, offset, cursor. Without `with_default` an absent limit stays absent.
bool parse_page(ParseState& state, const Members& members, bool with_default, Page& page);

/// A boolean member; absent leaves `out`.
bool parse_flag(ParseState& state, const Members& members, Member member, bool& out);
/// count; absent leaves `mode`.
bool parse_count_mode(ParseState& state, const Members& members, CountMode& mode);

/// A whole number from 0 on. What is larger than any integer reads as the largest one, with `overflow` set.
struct WholeNumber {
  std::int64_t value = 0;
  bool given = false;
  bool overflow = false;
};
/// A member that is a whole number; absent leaves `out`.
bool parse_whole_number(ParseState& state, const Members& members, Member member, WholeNumber& out);

/// The grouping members. `columns` are those selected, empty for all.
bool parse_grouping(ParseState& state, const Members& members, const List<Projection>& columns,
                    std::optional<Grouping>& out);

}  // namespace athena::query
