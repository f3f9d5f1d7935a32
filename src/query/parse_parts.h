#pragma once

#include <optional>
#include <string_view>

#include "query/members.h"
#include "query/parse_state.h"

// The parts of a request. Every function returns false after a failure, which is then in the state.

namespace athena::query {

/// table_name, view_name, schema_name.
bool parse_target(ParseState& state, const Members& members, Target& target);

/// `column->key->>key` into name and path.
bool parse_column_ref(ParseState& state, std::string_view text, const Path& path, ColumnRef& column);
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

/// conditions, where_filters and where, all ANDed.
bool parse_conditions(ParseState& state, const Members& members, List<Predicate>& conditions);
/// The object form `where`.
bool parse_where(ParseState& state, const Value& value, const Path& path, List<Predicate>& conditions);

/// sort_by and its other names.
bool parse_sort(ParseState& state, const Members& members, List<SortTerm>& sort);

/// limit, page_size, current_page, offset, cursor. Without `with_default` an absent limit stays absent.
bool parse_page(ParseState& state, const Members& members, bool with_default, Page& page);

/// A boolean member; absent leaves `out`.
bool parse_flag(ParseState& state, const Members& members, Member member, bool& out);
/// Refuses grouping members, which are not built.
bool refuse_post_processing(ParseState& state, const Members& members);

}  // namespace athena::query
