#include "query/members.h"

#include <algorithm>

namespace athena::query {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, kMemberCount> kNames = {
    "table_name",
    "view_name",
    "schema_name",
    "columns",
    "select",
    "conditions",
    "where_filters",
    "where",
    "sort_by",
    "sortBy",
    "orderBy",
    "order",
    "limit",
    "offset",
    "current_page",
    "page_size",
    "cursor",
    "count",
    "head",
    "strip_nulls",
    "group_by",
    "time_granularity",
    "aggregation_column",
    "aggregation_strategy",
    "aggregation_dedup",
    "insert_body",
    "on_conflict",
    "update_body",
    "ignore_duplicates",
    "default_to_null",
    "set",
    "data",
    "allow_unfiltered",
    "resource_id",
    "table_schema",
    "function",
    "function_name",
    "schema",
    "args",
    "filters",
    "query",
    "params",
    "read_only",
    "timeout_ms",
    "max_rows",
};
constexpr std::size_t kLongest = 20;

/// Names by length: those of length n are order[begin[n]] up to order[begin[n + 1]].
struct Index {
  std::array<std::uint8_t, kMemberCount> order{};
  std::array<std::uint8_t, kLongest + 2> begin{};
};

constexpr Index make_index() {
  Index index;
  std::uint8_t filled = 0;
  for (std::size_t length = 0; length <= kLongest; ++length) {
    index.begin[length] = filled;
    for (std::size_t i = 0; i < kMemberCount; ++i) {
      if (kNames[i].size() == length) index.order[filled++] = static_cast<std::uint8_t>(i);
    }
  }
  index.begin[kLongest + 1] = filled;
  return index;
}

constexpr Index kIndex = make_index();
static_assert(kIndex.begin[kLongest + 1] == kMemberCount, "a name is longer than kLongest");

}  // namespace

std::string_view name(Member member) {
  return kNames[static_cast<std::size_t>(member)];
}

Members::Members(const Value& body) {
  for (const auto& member : body.members) {
    const std::size_t length = member.name.size();
    if (length > kLongest || member.value->is_null()) continue;
    for (std::size_t i = kIndex.begin[length]; i < kIndex.begin[length + 1]; ++i) {
      if (kNames[kIndex.order[i]] != member.name) continue;
      values_[kIndex.order[i]] = member.value;
      break;
    }
  }
}

}  // namespace athena::query
