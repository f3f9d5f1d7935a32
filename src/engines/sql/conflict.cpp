#include "engines/sql/conflict.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "engines/sql/assignments.h"
#include "engines/sql/value_forms.h"

namespace athena::sql {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

/// Primary key first, then the others.
std::vector<const Key*> keys_of(const Table& table) {
  std::vector<const Key*> keys;
  if (!table.primary_key.empty()) keys.push_back(&table.primary_key);
  for (const auto& key : table.unique_keys) {
    if (!key.empty() && key != table.primary_key) keys.push_back(&key);
  }
  return keys;
}

Error ambiguous(const Table& table, std::string text) {
  std::vector<std::string> candidates;
  for (const Key* key : keys_of(table)) {
    std::string names;
    for (const auto index : *key) names += (names.empty() ? "" : ",") + table.columns[index].name;
    candidates.push_back(std::move(names));
  }
  Error error(ErrorCode::ambiguous_conflict_target, std::move(text));
  error.with("table", std::string_view(table.name))
      .with("candidates", std::span<const std::string>(candidates));
  return std::move(error).hint(
      "Give on_conflict with exactly the columns of a primary key or unique constraint.");
}

Result<const Key*> named_target(const query::Insert& insert, const Table& table) {
  Key wanted;
  for (const auto name : insert.on_conflict) {
    auto column = find_column(table, name);
    if (!column) return std::move(column).error();
    wanted.push_back(*column);
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (const Key* key : keys_of(table)) {
    Key sorted = *key;
    std::sort(sorted.begin(), sorted.end());
    if (sorted == wanted) return key;
  }
  return ambiguous(table,
                   "Table \"" + table.name +
                       "\" has no primary key or unique constraint of exactly the columns of on_conflict.");
}

Result<const Key*> inferred_target(std::span<const InsertRow> rows, const Table& table) {
  const auto in_every_row = [rows](const Key& key) {
    return std::all_of(rows.begin(), rows.end(), [&key](InsertRow row) {
      return std::all_of(key.begin(), key.end(),
                         [row](std::uint16_t column) { return has_column(row, column); });
    });
  };
  const Key* found = nullptr;
  for (const Key* key : keys_of(table)) {
    if (!in_every_row(*key)) continue;
    if (key == &table.primary_key) return key;
    if (found != nullptr) {
      return ambiguous(table,
                       "Several unique constraints of table \"" + table.name + "\" are given in every row.");
    }
    found = key;
  }
  if (found == nullptr) {
    return ambiguous(
        table, "No primary key or unique constraint of table \"" + table.name + "\" is given in every row.");
  }
  return found;
}

// One spelling per value, as far as that can be said without the database.
void append_canonical(std::pmr::string& out, std::string_view text, const Type& type) {
  if (type.category == TypeCategory::integer) {
    std::string_view digits = integer_form(text).value_or(text);
    const bool negative = !digits.empty() && digits.front() == '-';
    if (negative) digits.remove_prefix(1);
    while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
    if (negative && digits != "0") out.push_back('-');
    out.append(digits);
  } else if (type.category == TypeCategory::uuid) {
    for (const char c : text) {
      if (c == '-' || c == '{' || c == '}') continue;
      out.push_back(c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c);
    }
  } else {
    out.append(text);
  }
}

const query::Value* value_of(InsertRow row, std::uint16_t column) {
  for (const auto& cell : row) {
    if (cell.column == column) return cell.value;
  }
  return nullptr;
}

/// False when a part is absent or NULL: such a row never meets another.
Result<bool> append_key(std::pmr::string& out, InsertRow row, const Key& key, const Writer& writer) {
  for (const auto index : key) {
    const query::Value* value = value_of(row, index);
    if (value == nullptr || value->is_null()) return false;
    const Column& column = writer.table().columns[index];
    const Type& type = column.type != nullptr ? *column.type : unknown_type();
    if (value->is_object() || value->is_array()) return false;
    auto bound = writer.dialect().bind(*value, type, column.name, writer.memory());
    if (!bound) return std::move(bound).error();
    std::pmr::string part(&writer.memory());
    append_canonical(part, bound->text, type);
    out.append(std::to_string(part.size())).append(":").append(part);
  }
  return true;
}

}  // namespace

Result<Conflict> find_conflict(const query::Insert& insert, std::span<const InsertRow> rows,
                               const Table& table) {
  Conflict conflict;
  conflict.update_body = insert.update_body;
  if (insert.ignore_duplicates) {
    if (!insert.update_body.empty()) {
      return Error(ErrorCode::invalid_payload,
                   "Members ignore_duplicates and update_body exclude each other.")
          .with("member", std::string_view("ignore_duplicates"));
    }
    conflict.action = Conflict::Action::skip;
  } else if (insert.has_conflict_target || !insert.update_body.empty()) {
    conflict.action = Conflict::Action::update;
  }
  if (insert.has_conflict_target) {
    auto target = named_target(insert, table);
    if (!target) return std::move(target).error();
    conflict.target = *target;
  } else if (conflict.action == Conflict::Action::update) {
    auto target = inferred_target(rows, table);
    if (!target) return std::move(target).error();
    conflict.target = *target;
  }
  return conflict;
}

Result<void> check_distinct_keys(const Conflict& conflict, std::span<const InsertRow> rows,
                                 const Writer& out) {
  if (conflict.action != Conflict::Action::update || rows.size() < 2) return {};
  std::pmr::unordered_set<std::pmr::string> seen(&out.memory());
  seen.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::pmr::string key(&out.memory());
    auto complete = append_key(key, rows[i], *conflict.target, out);
    if (!complete) return std::move(complete).error();
    if (!*complete || seen.insert(std::move(key)).second) continue;
    const std::string member = "insert_body[" + std::to_string(i) + "]";
    return Error(ErrorCode::invalid_value,
                 "Member " + member + " has the same key as an earlier row of this upsert.")
        .with("member", std::string_view(member));
  }
  return {};
}

Result<void> write_conflict(Writer& out, const Conflict& conflict, std::span<const std::uint16_t> columns) {
  if (conflict.action == Conflict::Action::fail) return {};
  out.add(" ON CONFLICT");
  const auto write_names = [&out](std::span<const std::uint16_t> names, auto&& write_one) {
    bool first = true;
    for (const auto index : names) {
      if (!first) out.add(", ");
      first = false;
      write_one(out.table().columns[index].name);
    }
  };
  if (conflict.target != nullptr) {
    out.add(" (");
    write_names(*conflict.target, [&out](std::string_view name) { out.identifier(name); });
    out.add(")");
  }
  if (conflict.action == Conflict::Action::skip) {
    out.add(" DO NOTHING");
    return {};
  }
  out.add(" DO UPDATE SET ");
  if (!conflict.update_body.empty()) return write_assignments(out, conflict.update_body);
  std::pmr::vector<std::uint16_t> set(&out.memory());
  for (const auto column : columns) {
    if (std::find(conflict.target->begin(), conflict.target->end(), column) == conflict.target->end())
      set.push_back(column);
  }
  // Nothing to change: the key is set to itself, so that the row comes back.
  if (set.empty()) set.assign(conflict.target->begin(), conflict.target->end());
  write_names(set, [&out](std::string_view name) {
    out.identifier(name);
    out.add(" = EXCLUDED.");
    out.identifier(name);
  });
  return {};
}

}  // namespace athena::sql
