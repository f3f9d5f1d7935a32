#include <algorithm>
#include <array>

#include "query/parse_parts.h"

#include "base/ascii.h"

namespace athena::query {
namespace {

using Granularity = Grouping::Granularity;
using Strategy = Grouping::Strategy;

constexpr std::array kMembers = {Member::group_by, Member::time_granularity, Member::aggregation_column,
                                 Member::aggregation_strategy, Member::aggregation_dedup};

bool refuse(ParseState& state, Member member, std::string_view rest) {
  return state.refuse(contract::ErrorCode::invalid_post_processing, Path{name(member)}, rest);
}

/// The output key that a member names. What `*` stands for is known with the rows.
bool read_key(ParseState& state, const Members& members, Member member, const List<Projection>& columns,
              std::string_view& key) {
  const Value* value = members[member];
  if (value == nullptr) return true;
  if (!value->is_string() || value->text.empty())
    return refuse(state, member, " must be the name of a selected column.");
  key = state.column_name(value->text);
  const auto gives_key = [&](const Projection& entry) {
    return entry.all || state.column_name(output_name(entry)) == key;
  };
  if (columns.empty() || std::any_of(columns.begin(), columns.end(), gives_key)) return true;
  return refuse(state, member, " is " + shown(value->text) + ", which no selected column is called.");
}

bool read_granularity(ParseState& state, const Members& members, Granularity& granularity) {
  const Value* value = members[Member::time_granularity];
  if (value == nullptr) return true;
  constexpr std::array<std::pair<std::string_view, Granularity>, 3> kNames = {
      {{"day", Granularity::day}, {"hour", Granularity::hour}, {"minute", Granularity::minute}}};
  for (const auto& [word, meaning] : kNames) {
    if (value->is_string() && base::equals_ignoring_case(value->text, word)) granularity = meaning;
  }
  if (granularity == Granularity::none)
    return refuse(state, Member::time_granularity, " must be day, hour or minute.");
  if (members[Member::group_by] == nullptr)
    return refuse(state, Member::time_granularity, " needs group_by.");
  return true;
}

bool read_strategy(ParseState& state, const Members& members, Strategy& strategy) {
  const Value* value = members[Member::aggregation_strategy];
  const bool has_column = members[Member::aggregation_column] != nullptr;
  if (value == nullptr) {
    if (has_column) strategy = Strategy::sum;
    return true;
  }
  constexpr std::array<std::pair<std::string_view, Strategy>, 6> kNames = {
      {{"cumulative_sum", Strategy::cumulative_sum},
       {"sum", Strategy::sum},
       {"avg", Strategy::avg},
       {"min", Strategy::min},
       {"max", Strategy::max},
       {"count", Strategy::count}}};
  for (const auto& [word, meaning] : kNames) {
    if (value->is_string() && value->text == word) strategy = meaning;
  }
  if (strategy == Strategy::none)
    return refuse(state, Member::aggregation_strategy,
                  " must be cumulative_sum, sum, avg, min, max or count.");
  if (!has_column && strategy != Strategy::count)
    return refuse(state, Member::aggregation_strategy, " needs aggregation_column.");
  return true;
}

bool read_dedup(ParseState& state, const Members& members, bool& dedup) {
  const Value* value = members[Member::aggregation_dedup];
  if (value == nullptr) return true;
  if (!value->is_boolean()) return refuse(state, Member::aggregation_dedup, " must be true or false.");
  dedup = value->boolean;
  return true;
}

}  // namespace

bool parse_grouping(ParseState& state, const Members& members, const List<Projection>& columns,
                    std::optional<Grouping>& out) {
  const auto* asked = std::find_if(kMembers.begin(), kMembers.end(), [&members](Member member) {
    const Value* value = members[member];
    // `aggregation_dedup: false` is the default of every request.
    return value != nullptr &&
           !(member == Member::aggregation_dedup && value->is_boolean() && !value->boolean);
  });
  if (asked == kMembers.end()) return true;
  if (state.stream()) return refuse(state, *asked, " cannot be used with CSV or NDJSON.");
  Grouping& grouping = out.emplace();
  return read_key(state, members, Member::group_by, columns, grouping.group_by) &&
         read_granularity(state, members, grouping.granularity) &&
         read_key(state, members, Member::aggregation_column, columns, grouping.aggregation_column) &&
         read_strategy(state, members, grouping.strategy) && read_dedup(state, members, grouping.dedup);
}

}  // namespace athena::query
