#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engines/sql/compile_fixture.h"
#include "engines/sqlite/dialect.h"
#include "engines/sqlite/values.h"

/// Tables of the dialect's tests.
namespace athena::sqlite::testing {

namespace sqlt = sql::testing;

/// The type of a declaration, as the schema reader makes it.
inline const sql::Type* declared(const std::string& declaration) {
  static std::deque<sql::Type> types;
  for (const auto& type : types) {
    if (type.name == declaration) return &type;
  }
  auto& type = types.emplace_back();
  type.name = declaration;
  type.udt_name = declaration;
  type.category = category_of(declaration);
  return &type;
}

/// `main.t`: id, then a column per declaration named after it, then `text`, `nocase`, `plain` (no type),
/// `calc` (generated).
inline std::shared_ptr<sql::Table> wide_table() {
  auto table = std::make_shared<sql::Table>();
  sqlt::set_name(*table, "main", "t");
  const auto add = [&table](const std::string& name, const std::string& type) -> sql::Column& {
    table->columns.push_back(sqlt::column(name, declared(type)));
    return table->columns.back();
  };
  add("id", "INTEGER").not_null = true;
  for (const auto* type :
       {"INTEGER", "INTERVAL", "REAL", "NUMERIC", "BOOLEAN", "BLOB", "DATE", "UUID", "JSON", "STRING"}) {
    std::string name = type;
    for (char& c : name) c = static_cast<char>(c | 0x20);
    add(name, type);
  }
  add("text", "TEXT").binary_collation = true;
  add("nocase", "TEXT");
  add("plain", "");
  add("calc", "TEXT").generated = sql::Generated::virtual_;
  table->primary_key = {0};
  table->unique_keys = {{0}};
  table->leading_index_columns = {{0}};
  return table;
}

/// `main.users`: id, name, email (unique), age.
inline std::shared_ptr<sql::Table> users() {
  auto table = std::make_shared<sql::Table>();
  sqlt::set_name(*table, "main", "users");
  table->columns = {sqlt::column("id", declared("INTEGER"), true), sqlt::column("name", declared("TEXT")),
                    sqlt::column("email", declared("TEXT"), true), sqlt::column("age", declared("INTEGER"))};
  table->columns[0].generated = sql::Generated::identity_default;
  table->primary_key = {0};
  table->unique_keys = {{0}, {2}};
  table->leading_index_columns = {{0}, {2}};
  return table;
}

/// `main.items` WITHOUT ROWID: org, id with both as the primary key; name.
inline std::shared_ptr<sql::Table> items() {
  auto table = std::make_shared<sql::Table>();
  sqlt::set_name(*table, "main", "items");
  table->columns = {sqlt::column("org", declared("INTEGER"), true),
                    sqlt::column("id", declared("INTEGER"), true), sqlt::column("name", declared("TEXT"))};
  table->primary_key = {0, 1};
  table->unique_keys = {{0, 1}};
  table->without_rowid = true;
  return table;
}

}  // namespace athena::sqlite::testing
