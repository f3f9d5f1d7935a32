#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "query/request.h"

namespace athena::query {

/// The members of a body that some operation knows.
enum class Member : std::uint8_t {
  table_name,
  view_name,
  schema_name,
  columns,
  select,
  conditions,
  where_filters,
  where,
  sort_by,
  sort_by_camel,
  order_by_camel,
  order,
  limit,
  offset,
  current_page,
  page_size,
  cursor,
  count,
  head,
  strip_nulls,
  group_by,
  time_granularity,
  aggregation_column,
  aggregation_strategy,
  aggregation_dedup,
  insert_body,
  on_conflict,
  update_body,
  ignore_duplicates,
  default_to_null,
  set,
  data,
  allow_unfiltered,
  resource_id,
  table_schema,
  function,
  function_name,
  schema,
  args,
  filters,
  query,
  params,
  read_only,
  timeout_ms,
  max_rows,
};
inline constexpr std::size_t kMemberCount = 45;

/// Its spelling in the body.
std::string_view name(Member member);

/// The known members of a body, found in one pass over it. An explicit null counts as absent, unknown members
/// are skipped.
class Members {
 public:
  explicit Members(const Value& body);
  [[nodiscard]] const Value* operator[](Member member) const {
    return values_[static_cast<std::size_t>(member)];
  }
  /// For operations that do not know this member of others.
  void forget(Member member) { values_[static_cast<std::size_t>(member)] = nullptr; }

 private:
  std::array<const Value*, kMemberCount> values_{};
};

}  // namespace athena::query
