#include "engines/postgres/count_plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory_resource>

#include "base/json_reader.h"
#include "engines/postgres/values.h"

namespace athena::postgres {
namespace {

constexpr std::string_view kCount = "SELECT count(*) AS \"count\" FROM ";
constexpr std::string_view kExplain = "EXPLAIN (FORMAT JSON) SELECT FROM ";

class NoSource final : public query::RowSource {
 public:
  void resume() override {}
};

}  // namespace

void explain_count(sql::Plan& plan) {
  auto& text = plan.statements.front().text;
  if (text.starts_with(kCount)) text.replace(0, kCount.size(), kExplain);
}

void PlannedRows::begin(const query::RowShape& /*shape*/, query::RowSource& /*source*/) {}

query::RowFlow PlannedRows::row(std::span<const query::Cell> cells) {
  if (!cells.empty()) json_.append(cells.front().text);
  return query::RowFlow::more;
}

bool PlannedRows::restart() {
  json_.clear();
  return true;
}

std::optional<std::int64_t> PlannedRows::rows() const {
  std::pmr::monotonic_buffer_resource memory;
  const auto document = base::parse_json(json_, memory);
  if (!document || !(*document)->is_array() || (*document)->items.empty()) return std::nullopt;
  const auto* const plan = (*document)->items.front()->find("Plan");
  const auto* const rows = plan != nullptr ? plan->find("Plan Rows") : nullptr;
  if (rows == nullptr || !rows->is_number()) return std::nullopt;
  const double number = std::strtod(std::string(rows->text).c_str(), nullptr);
  constexpr double kMost = 9.0e18;
  if (!(number >= 0)) return std::nullopt;
  return static_cast<std::int64_t>(std::min(number, kMost));
}

void push_count(std::int64_t rows, query::RowSink& sink) {
  // Sinks may look at both until their operation is over.
  static constexpr std::array columns{query::OutputColumn{"count", "int8", false}};
  static NoSource source;
  sink.begin({columns, {}}, source);
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), rows).ptr;
  const std::array cells{
      query::Cell{{digits.data(), static_cast<std::size_t>(end - digits.data())}, &kIntegerFormat}};
  sink.row(cells);
}

}  // namespace athena::postgres
