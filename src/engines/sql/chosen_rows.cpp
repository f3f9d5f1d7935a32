#include "engines/sql/chosen_rows.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "engines/sql/compiler.h"
#include "engines/sql/ordering.h"

namespace athena::sql {
namespace {

using contract::Result;

// The row id has three names; a column of one of them hides it.
std::string_view rowid_name(const Table& table) {
  static constexpr std::array<std::string_view, 3> kNames{"rowid", "_rowid_", "oid"};
  for (const auto name : kNames) {
    const bool hidden = std::any_of(table.columns.begin(), table.columns.end(), [name](const Column& column) {
      return column.name.size() == name.size() &&
             std::equal(name.begin(), name.end(), column.name.begin(),
                        [](char a, char b) { return a == base::lower(b); });
    });
    if (!hidden) return name;
  }
  return {};
}

void write_key(Writer& out, const Key& key, std::string_view qualifier) {
  const auto before = out.qualify(qualifier);
  bool first = true;
  for (const auto index : key) {
    if (!first) out.add(", ");
    first = false;
    out.column(out.table().columns[index]);
  }
  out.qualify(before);
}

Result<void> write_chosen(Writer& out, const RowChoice& choice) {
  out.add(" FROM ");
  out.add(out.table().quoted);
  auto written = choice.conditions(out);
  if (!written) return written;
  written = write_order(out, choice.sort, choice.page, choice.settings);
  if (!written) return written;
  write_page(out, choice.page, 0, /*locks=*/true);
  return {};
}

/// capability_not_supported for `choice.feature` when the table has no key to choose rows by.
Result<RowLocator> find_locator(const Writer& out, const RowChoice& choice) {
  const Table& table = out.table();
  RowLocator locator;
  const bool has_rowid =
      !out.dialect().traits().lock_chosen_rows && table.kind == Table::Kind::table && !table.without_rowid;
  if (has_rowid) locator.rowid = rowid_name(table);
  if (!locator.rowid.empty()) return locator;
  if (table.primary_key.empty()) return feature_refused(out.dialect().engine(), choice.feature);
  locator.key = &table.primary_key;
  return locator;
}

/// `WITH t AS MATERIALIZED (SELECT key … FOR UPDATE) `
Result<void> write_locked_rows(Writer& out, const RowLocator& locator, const RowChoice& choice) {
  out.add("WITH t AS MATERIALIZED (SELECT ");
  write_key(out, *locator.key, {});
  auto written = write_chosen(out, choice);
  if (!written) return written;
  out.add(" FOR UPDATE) ");
  return {};
}

/// `(x."id") = (t."id")`
void write_key_join(Writer& out, const RowLocator& locator) {
  out.add("(");
  write_key(out, *locator.key, "x");
  out.add(") = (");
  write_key(out, *locator.key, "t");
  out.add(")");
}

/// `rowid IN (SELECT rowid …)`
Result<void> write_row_subquery(Writer& out, const RowLocator& locator, const RowChoice& choice) {
  const auto write_locator = [&] {
    if (!locator.rowid.empty()) {
      out.add(locator.rowid);
    } else {
      write_key(out, *locator.key, {});
    }
  };
  const bool row_value = locator.key != nullptr && locator.key->size() > 1;
  if (row_value) out.add("(");
  write_locator();
  out.add(row_value ? ") IN (SELECT " : " IN (SELECT ");
  write_locator();
  auto written = write_chosen(out, choice);
  if (!written) return written;
  out.add(")");
  return {};
}

}  // namespace

Result<void> ChosenRows::begin() {
  if (!choice_.needed()) return {};
  auto found = find_locator(out_, choice_);
  if (!found) return std::move(found).error();
  locator_ = *found;
  locked_ = out_.dialect().traits().lock_chosen_rows;
  return locked_ ? write_locked_rows(out_, locator_, choice_) : Result<void>();
}

Result<void> ChosenRows::where(std::string_view t_clause) {
  if (!choice_.needed()) return choice_.conditions(out_);
  if (!locked_) {
    out_.add(" WHERE ");
    return write_row_subquery(out_, locator_, choice_);
  }
  out_.add(t_clause);
  out_.add(" WHERE ");
  write_key_join(out_, locator_);
  out_.qualify("x");
  return {};
}

}  // namespace athena::sql
