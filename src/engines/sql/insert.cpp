#include <algorithm>
#include <string>

#include "engines/sql/conflict.h"
#include "engines/sql/insert_rows.h"
#include "engines/sql/operations.h"
#include "engines/sql/projection.h"

namespace athena::sql {
namespace {

using contract::Result;

const Type& type_of(const Column& column) {
  return column.type != nullptr ? *column.type : unknown_type();
}

/// Writes the statements of one insert.
class InsertWriter {
 public:
  InsertWriter(const query::Insert& insert, const CompileContext& context, const Conflict& conflict,
               std::span<const InsertRow> rows, Plan& plan)
      : insert_(insert), context_(context), conflict_(conflict), rows_(rows), plan_(plan) {}

  Result<void> write(const InsertGroup& group) {
    if (group.columns.empty()) return write_defaults(group);
    const auto& traits = context_.dialect.traits();
    if (group.rows.size() > 1 && traits.unnest_insert && can_unnest(group)) return write_unnest(group);
    const std::size_t reserved = conflict_.update_body.size();
    const std::size_t room =
        traits.max_insert_parameters > reserved ? traits.max_insert_parameters - reserved : 1;
    const std::size_t chunk = std::max<std::size_t>(1, room / group.columns.size());
    const std::span<const std::uint32_t> all = group.rows;
    for (std::size_t begin = 0; begin < all.size(); begin += chunk) {
      auto written = write_values(group, all.subspan(begin, std::min(chunk, all.size() - begin)));
      if (!written) return written;
    }
    return {};
  }

 private:
  const Table& table() const { return *context_.table; }
  const Column& column(std::uint16_t index) const { return table().columns[index]; }

  Writer begin(std::span<const std::uint32_t> rows) {
    Statement& statement = plan_.statements.emplace_back(context_.memory);
    statement.input_rows.assign(rows.begin(), rows.end());
    Writer out(statement, context_.dialect, table(), context_.memory);
    out.add("INSERT INTO ");
    out.add(table().quoted);
    return out;
  }

  void write_names(Writer& out, std::span<const std::uint16_t> columns) const {
    out.add(" (");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out.add(", ");
      out.identifier(column(columns[i]).name);
    }
    out.add(")");
  }

  Result<void> finish(Writer& out, std::span<const std::uint16_t> columns) const {
    auto written = write_conflict(out, conflict_, columns);
    if (!written) return written;
    return write_returning(out, {insert_.returning, insert_.return_nothing, true});
  }

  Result<void> write_values(const InsertGroup& group, std::span<const std::uint32_t> rows) {
    Writer out = begin(rows);
    out.text().reserve(128 + rows.size() * group.columns.size() * 8);
    out.statement().binds.reserve(rows.size() * group.columns.size());
    write_names(out, group.columns);
    out.add(" VALUES ");
    bool first = true;
    for (const auto row : rows) {
      out.add(first ? "(" : ", (");
      first = false;
      for (std::size_t i = 0; i < group.columns.size(); ++i) {
        if (i > 0) out.add(", ");
        const Column& target = column(group.columns[i]);
        auto written = context_.dialect.write_value(out, *rows_[row][i].value, type_of(target), target.name);
        if (!written) return written;
      }
      out.add(")");
    }
    return finish(out, group.columns);
  }

  // Arrays would be unnested too far, and a row value given as an object needs an expression of its own.
  bool can_unnest(const InsertGroup& group) const {
    return std::all_of(group.columns.begin(), group.columns.end(), [this](std::uint16_t index) {
      const Type* type = column(index).type;
      return type != nullptr && type->array_oid != 0 && type->category != TypeCategory::array &&
             type->category != TypeCategory::composite;
    });
  }

  Result<void> write_unnest(const InsertGroup& group) {
    Writer out = begin(group.rows);
    write_names(out, group.columns);
    out.add(" SELECT ");
    for (std::size_t i = 0; i < group.columns.size(); ++i) {
      if (i > 0) out.add(", ");
      out.add("r.c");
      out.add(std::to_string(i + 1));
    }
    out.add(" FROM unnest(");
    std::pmr::vector<const query::Value*> values(&context_.memory);
    for (std::size_t i = 0; i < group.columns.size(); ++i) {
      values.clear();
      for (const auto row : group.rows) values.push_back(rows_[row][i].value);
      const Column& target = column(group.columns[i]);
      auto bound = context_.dialect.bind_list(values, *target.type, target.name, context_.memory);
      if (!bound) return std::move(bound).error();
      if (i > 0) out.add(", ");
      out.placeholder(*bound);
      // `::bit[]` and `::char[]` would mean one bit or character each.
      if (target.type->name == "bit" || target.type->name == "char" || target.type->name == "character")
        continue;
      out.add("::");
      out.add(target.type->name);
      out.add("[]");
    }
    out.add(") WITH ORDINALITY AS r(");
    for (std::size_t i = 0; i < group.columns.size(); ++i) {
      out.add("c");
      out.add(std::to_string(i + 1));
      out.add(", ");
    }
    out.add("n) ORDER BY r.n");
    return finish(out, group.columns);
  }

  Result<void> write_defaults(const InsertGroup& group) {
    if (context_.dialect.traits().default_keyword) return write_default_keywords(group);
    // An upsert clause cannot follow DEFAULT VALUES here: a column whose default is NULL says the same.
    const int neutral = conflict_.action == Conflict::Action::fail ? -1 : column_with_null_default();
    if (conflict_.action != Conflict::Action::fail && neutral < 0) {
      return contract::Error(
                 contract::ErrorCode::invalid_payload,
                 "An empty row cannot be combined with on_conflict, update_body or ignore_duplicates here.")
          .hint("Give at least one member of insert_body.");
    }
    const std::span<const std::uint32_t> rows = group.rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Writer out = begin(rows.subspan(i, 1));
      if (neutral < 0) {
        out.add(" DEFAULT VALUES");
      } else {
        const auto index = static_cast<std::uint16_t>(neutral);
        write_names(out, std::span(&index, 1));
        out.add(" VALUES (NULL)");
      }
      auto written = finish(out, {});
      if (!written) return written;
    }
    return {};
  }

  Result<void> write_default_keywords(const InsertGroup& group) {
    if (group.rows.size() == 1 || table().columns.empty()) {
      const std::span<const std::uint32_t> rows = group.rows;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        Writer out = begin(rows.subspan(i, 1));
        out.add(" DEFAULT VALUES");
        auto written = finish(out, {});
        if (!written) return written;
      }
      return {};
    }
    Writer out = begin(group.rows);
    const std::uint16_t first = 0;
    write_names(out, std::span(&first, 1));
    out.add(" VALUES ");
    for (std::size_t i = 0; i < group.rows.size(); ++i) out.add(i == 0 ? "(DEFAULT)" : ", (DEFAULT)");
    return finish(out, {});
  }

  // The integer primary key of a rowid table takes NULL for "the next one".
  int column_with_null_default() const {
    const auto& key = table().primary_key;
    if (key.size() == 1 && !table().without_rowid &&
        type_of(column(key[0])).category == TypeCategory::integer)
      return key[0];
    for (std::size_t i = 0; i < table().columns.size(); ++i) {
      const Column& candidate = table().columns[i];
      if (!candidate.not_null && !candidate.has_default && candidate.generated == Generated::no)
        return static_cast<int>(i);
    }
    return -1;
  }

  const query::Insert& insert_;
  const CompileContext& context_;
  const Conflict& conflict_;
  std::span<const InsertRow> rows_;
  Plan& plan_;
};

}  // namespace

Result<void> compile_insert(const query::Insert& insert, const CompileContext& context, Plan& plan) {
  auto rows = resolve_rows(insert, *context.table, context.memory);
  if (!rows) return std::move(rows).error();
  auto conflict = find_conflict(insert, *rows, *context.table);
  if (!conflict) return std::move(conflict).error();
  if (rows->empty()) return {};
  if (insert.default_to_null && rows->size() > 1)
    fill_with_null(*rows, context.table->columns.size(), context.memory);

  Statement scratch(context.memory);
  const Writer checker(scratch, context.dialect, *context.table, context.memory);
  auto distinct = check_distinct_keys(*conflict, *rows, checker);
  if (!distinct) return distinct;

  const bool runs = insert.ignore_duplicates;
  const auto groups = group_rows(*rows, runs, context.memory);
  InsertWriter writer(insert, context, *conflict, *rows, plan);
  for (const auto& group : groups) {
    auto written = writer.write(group);
    if (!written) return written;
  }
  plan.transaction = plan.statements.size() > 1;
  plan.reorder = groups.size() > 1 && !runs && !plan.statements.front().columns.empty();
  return {};
}

}  // namespace athena::sql
