#include "api/protected.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>

#include "base/ascii.h"
#include "services/control/schema.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

/// Those that the web explorer uses through ordinary requests.
constexpr std::array<std::string_view, 3> kOpenToCallers{"query_history", "saved_queries", "ui_request_log"};
/// PostgreSQL keeps samples of every table's values here.
constexpr std::array<std::string_view, 5> kSamples{"pg_statistic", "pg_stats", "pg_statistic_ext_data",
                                                   "pg_stats_ext", "pg_stats_ext_exprs"};

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using Names = std::unordered_set<std::string, Hash, std::equal_to<>>;

const Names& protected_names() {
  static const Names names = [] {
    Names result;
    for (const auto name : kSamples) result.emplace(name);
    for (const auto& table : control::schema()) result.emplace(table.name);
    for (const auto name : kOpenToCallers) result.erase(std::string(name));
    return result;
  }();
  return names;
}

/// In any schema, and without case, as SQLite compares them.
bool is_protected(const query::Target& table) {
  if (base::equals_ignoring_case(table.schema, "pg_toast")) return true;
  std::array<char, 63> name;
  if (table.table.size() > name.size()) return false;
  std::ranges::transform(table.table, name.begin(), base::lower);
  return protected_names().contains(std::string_view(name.data(), table.table.size()));
}

}  // namespace

bool touches_control_tables(const Call& call, const query::Target* table) {
  if (call.caller.is_admin() || !call.gatekeeper().settings().protect_control_tables) return false;
  return table == nullptr || is_protected(*table);
}

contract::Result<void> check_control_tables(Call& call, const query::Target* table,
                                            const engines::EngineClient& engine, engines::Backend& backend) {
  if (!touches_control_tables(call, table)) return {};
  switch (engine.holds_control_tables()) {
    case engines::HoldsControlTables::no:
      return {};
    case engines::HoldsControlTables::yes:
      return control_tables_refused();
    case engines::HoldsControlTables::unknown:
      break;
  }
  call.unidentified = &backend;
  call.direct_pending = true;
  return Error(ErrorCode::backend_unreachable);
}

Error control_tables_refused() {
  return Error(ErrorCode::target_not_allowed,
               "The gateway's own tables answer the admin key only, and so does SQL in their database.")
      .with("rule", "control_tables");
}

}  // namespace athena::api
