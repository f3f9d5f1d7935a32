#include "query/parse_rows.h"

#include <algorithm>
#include <memory>

namespace athena::query {

const Value* column_object(ParseState& state, const Value& object, const Path& path) {
  bool changed = false;
  for (const auto& member : object.members) {
    if (!state.check_identifier(member.name, path)) return nullptr;
    changed = changed || state.column_name(member.name).data() != member.name.data();
  }
  if (!changed) return &object;
  auto* members = state.allocate<JsonMember>(object.members.size());
  std::uninitialized_copy(object.members.begin(), object.members.end(), members);
  for (std::size_t i = 0; i < object.members.size(); ++i)
    members[i].name = state.column_name(members[i].name);
  auto* copy = new (state.allocate<Value>(1)) Value(object);
  // Two spellings of one column: the last counts, as for a repeated member.
  copy->members = {members, base::keep_last_members({members, object.members.size()})};
  return copy;
}

bool parse_assignments(ParseState& state, const Value& object, const Path& path,
                       List<Assignment>& assignments) {
  const Value* checked = column_object(state, object, path);
  if (checked == nullptr) return false;
  assignments.reserve(checked->members.size());
  for (const auto& member : checked->members) assignments.push_back({member.name, member.value});
  return true;
}

}  // namespace athena::query
