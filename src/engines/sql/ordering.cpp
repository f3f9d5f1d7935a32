#include "engines/sql/ordering.h"

#include <algorithm>
#include <limits>
#include <string>

namespace athena::sql {
namespace {

using contract::Result;
using query::SortTerm;

bool nulls_come_last(const SortTerm& term) {
  if (term.nulls == SortTerm::Nulls::standard) return !term.descending;
  return term.nulls == SortTerm::Nulls::last;
}

Result<void> write_term(Writer& out, const SortTerm& term, const Operand& operand) {
  if (!out.dialect().traits().json_sorts && operand.type_or_unknown().category == TypeCategory::json) {
    return contract::Error(contract::ErrorCode::invalid_operator,
                           "Column \"" + std::string(operand.name) + "\" of type json has no order.")
        .with("column", operand.name);
  }
  auto written = out.operand(operand);
  if (!written) return written;
  if (term.descending) out.add(" DESC");
  // Written only where it changes something, so that an index in the engine's own order stays usable.
  if (operand.is_plain() && operand.column->not_null) return {};
  const bool engine_last = out.dialect().traits().nulls_sort_low == term.descending;
  if (nulls_come_last(term) != engine_last) out.add(nulls_come_last(term) ? " NULLS LAST" : " NULLS FIRST");
  return {};
}

const Key* stable_key(const Table& table) {
  if (!table.primary_key.empty()) return &table.primary_key;
  for (const auto& key : table.unique_keys) {
    if (std::all_of(key.begin(), key.end(), [&table](std::uint16_t i) { return table.columns[i].not_null; }))
      return &key;
  }
  return nullptr;
}

}  // namespace

// A bare name in ORDER BY would mean an output column of that name first (an alias, or a column behind its
// cast), so names stand with their table here.
Result<void> write_order(Writer& out, std::span<const SortTerm> sort, const query::Page& page,
                         const contract::GatewaySettings& settings) {
  const Key* tie_breaker = page.stable_order && settings.stable_paging ? stable_key(out.table()) : nullptr;
  if (sort.empty() && tie_breaker == nullptr) return {};
  const auto before = out.qualify(out.table_qualifier());
  std::string_view separator = " ORDER BY ";
  std::pmr::vector<const Column*> sorted(&out.memory());
  for (const auto& term : sort) {
    auto operand = resolve(term.column, out.table(), out.dialect());
    if (!operand) return std::move(operand).error();
    out.add(separator);
    separator = ", ";
    auto written = write_term(out, term, *operand);
    if (!written) return written;
    if (operand->is_plain()) sorted.push_back(operand->column);
  }
  if (tie_breaker != nullptr) {
    for (const auto index : *tie_breaker) {
      const Column& column = out.table().columns[index];
      if (std::find(sorted.begin(), sorted.end(), &column) != sorted.end()) continue;
      out.add(separator);
      separator = ", ";
      out.column(column);
    }
  }
  out.qualify(before);
  return {};
}

void write_page(Writer& out, const query::Page& page, std::int64_t extra, bool locks) {
  if (page.limit) {
    const std::int64_t limit =
        std::min(*page.limit, std::numeric_limits<std::int64_t>::max() - extra) + extra;
    out.add(" LIMIT ");
    if (out.dialect().traits().limit_in_text && !locks) {
      out.add(std::to_string(limit));
    } else {
      out.placeholder(out.dialect().bind_integer(limit, out.memory()));
    }
  }
  if (page.offset > 0) {
    if (!page.limit && !out.dialect().traits().lock_chosen_rows) {
      out.add(" LIMIT ");  // SQLite has no OFFSET without LIMIT
      out.placeholder(out.dialect().bind_integer(-1, out.memory()));
    }
    out.add(" OFFSET ");
    out.placeholder(out.dialect().bind_integer(page.offset, out.memory()));
  }
}

}  // namespace athena::sql
