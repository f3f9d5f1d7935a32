#pragma once

#include <memory>
#include <string_view>

#include "engines/postgres/dialect.h"
#include "engines/postgres/types.h"
#include "engines/sql/compile_fixture.h"

/// Tables of the dialect's tests.
namespace athena::postgres::testing {

namespace sqlt = sql::testing;

/// Built-in types and three of a user: an enumeration, a composite, hstore.
class Types : public sql::TypeCatalogue {
 public:
  Types() {
    mood.name = "\"public\".\"mood\"";
    mood.udt_name = "mood";
    mood.oid = 70001;
    mood.array_oid = 70002;
    mood.category = sql::TypeCategory::enumeration;
    place.name = "\"public\".\"place\"";
    place.udt_name = "place";
    place.oid = 70003;
    place.array_oid = 70004;
    place.category = sql::TypeCategory::composite;
    hstore.name = "\"public\".\"hstore\"";
    hstore.udt_name = "hstore";
    hstore.oid = 70005;
    citext.name = "\"public\".\"citext\"";
    citext.udt_name = "citext";
    citext.oid = 70007;
    citext.array_oid = 70008;
    citext.category = sql::TypeCategory::text;
  }
  [[nodiscard]] const sql::Type* find(std::string_view name) const override {
    if (name == "mood") return &mood;
    return builtin_type(name);
  }
  sql::Type mood, place, hstore, citext;
};

inline const Types& types() {
  static const Types instance;
  return instance;
}

/// `public.t`: a column of every category, named after its type.
inline std::shared_ptr<sql::Table> wide_table() {
  auto table = std::make_shared<sql::Table>();
  sqlt::set_name(*table, "public", "t");
  const auto add = [&table](std::string_view name, const sql::Type* type) {
    table->columns.push_back(sqlt::column(std::string(name), type));
  };
  table->columns.push_back(sqlt::column("id", builtin_type("int8"), true));
  add("name", builtin_type("text"));
  add("email", builtin_type("varchar"));
  for (const auto* name :
       {"int2", "int4", "numeric", "float8", "bool", "uuid", "bytea", "timestamptz", "interval", "json",
        "jsonb", "int4range", "int4multirange", "tsvector", "inet", "bpchar"}) {
    add(name, builtin_type(name));
  }
  add("tags", builtin_type("text[]"));
  add("nums", builtin_type("int4[]"));
  add("docs", builtin_type("jsonb[]"));
  add("mood", &types().mood);
  add("place", &types().place);
  add("hstore", &types().hstore);
  add("citext", &types().citext);
  add("total", builtin_type("int4"));
  table->columns.back().generated = sql::Generated::stored;
  add("serial", builtin_type("int4"));
  table->columns.back().generated = sql::Generated::identity_always;
  table->primary_key = {0};
  table->unique_keys = {{0}, {2}};
  table->leading_index_columns = {{0}, {2}};
  return table;
}

/// `public.users`: id, name, email, age; keys id, email, (name, age).
inline std::shared_ptr<sql::Table> users() {
  auto table = std::make_shared<sql::Table>();
  sqlt::set_name(*table, "public", "users");
  table->columns = {
      sqlt::column("id", builtin_type("int8"), true), sqlt::column("name", builtin_type("text")),
      sqlt::column("email", builtin_type("varchar"), true), sqlt::column("age", builtin_type("int4"))};
  table->columns[0].generated = sql::Generated::identity_default;
  table->primary_key = {0};
  table->unique_keys = {{0}, {2}, {1, 3}};
  table->leading_index_columns = {{0}, {2}, {1}};
  return table;
}

/// `public.items`: org, id with both as the primary key; name.
inline std::shared_ptr<sql::Table> items() {
  auto table = std::make_shared<sql::Table>();
  sqlt::set_name(*table, "public", "items");
  table->columns = {sqlt::column("org", builtin_type("int4"), true),
                    sqlt::column("id", builtin_type("int4"), true),
                    sqlt::column("name", builtin_type("text"))};
  table->primary_key = {0, 1};
  table->unique_keys = {{0, 1}};
  return table;
}

/// `public.logs`: no key, at, text.
inline std::shared_ptr<sql::Table> logs() {
  auto table = std::make_shared<sql::Table>();
  sqlt::set_name(*table, "public", "logs");
  table->columns = {sqlt::column("at", builtin_type("timestamptz")),
                    sqlt::column("text", builtin_type("text"))};
  return table;
}

}  // namespace athena::postgres::testing
