#include "engines/sqlite/constraints.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "engines/sqlite/catalogue.h"
#include "engines/sqlite/create_table.h"
#include "engines/sqlite/schema.h"

namespace athena::sqlite {
namespace {

using contract::Result;
using engines::ConstraintInfo;
using Kind = WrittenConstraint::Kind;
using Names = std::vector<std::string>;

constexpr std::string_view kSql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
constexpr std::string_view kUniqueConstraints =
    "SELECT name FROM pragma_index_list(?1) WHERE origin = 'u' ORDER BY seq DESC";
constexpr std::string_view kIndexColumns =
    "SELECT name FROM pragma_index_xinfo(?1) WHERE key = 1 ORDER BY seqno";
constexpr std::string_view kForeignKeys =
    "SELECT id, \"table\", \"from\", \"to\", on_delete, on_update FROM pragma_foreign_key_list(?1)"
    " ORDER BY id DESC, seq";

bool same_names(const Names& a, const Names& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return same_ignoring_case(x, y); });
}

/// Bare where it can stand so in SQL.
std::string quoted(const std::string& name) {
  const bool bare = !name.empty() && (name.front() < '0' || name.front() > '9') &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                    });
  if (bare) return name;
  std::string text = "\"";
  for (const char c : name) text.append(c == '"' ? 2 : 1, c);
  return text + "\"";
}

std::string list(const Names& names) {
  std::string text = "(";
  for (const auto& name : names) {
    if (text.size() > 1) text += ", ";
    text += quoted(name);
  }
  return text + ")";
}

class Reader {
 public:
  Reader(Connection& connection, CatalogueTable table) : connection_(connection), table_(std::move(table)) {}

  Result<std::vector<ConstraintInfo>> read() {
    if (table_.type != "table") return std::move(found_);
    if (auto read = read_text(); !read) return read.error();
    if (auto read = read_primary_key(); !read) return read.error();
    if (auto read = read_unique(); !read) return read.error();
    if (auto read = read_foreign_keys(); !read) return read.error();
    add_checks();
    name_the_nameless();
    std::sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.constraint_type, a.constraint_name) < std::tie(b.constraint_type, b.constraint_name);
    });
    return std::move(found_);
  }

 private:
  Result<void> read_text() {
    CatalogueQuery query(connection_, kSql, table_.name);
    if (query.next()) written_ = written_constraints(query.text(0));
    if (query.failure()) return *query.failure();
    return {};
  }

  /// The name that the text gives to a constraint; each of the text is used once.
  std::string written_name(Kind kind, const Names& columns) {
    const auto found = std::find_if(written_.begin(), written_.end(), [&](const auto& written) {
      return written.kind == kind && same_names(written.columns, columns);
    });
    if (found == written_.end()) return {};
    std::string name = std::move(found->name);
    written_.erase(found);
    return name;
  }

  ConstraintInfo& add(std::string type, std::string name, Names columns, std::string generated,
                      std::string definition) {
    ConstraintInfo& info = found_.emplace_back();
    info.constraint_type = std::move(type);
    info.constraint_name = std::move(name);
    info.columns = std::move(columns);
    info.definition = std::move(definition);
    generated_.push_back(std::move(generated));
    return info;
  }

  std::string generated_name(const Names& columns, std::string_view suffix) const {
    std::string name = table_.name;
    for (const auto& column : columns) name.append("_").append(column);
    return name.append(suffix);
  }

  Result<Names> primary_key_of(std::string_view table) {
    auto columns = read_columns(connection_, table);
    if (!columns) return columns.error();
    std::erase_if(*columns, [](const auto& column) { return column.key_position == 0; });
    std::sort(columns->begin(), columns->end(),
              [](const auto& a, const auto& b) { return a.key_position < b.key_position; });
    Names names;
    for (auto& column : *columns) names.push_back(std::move(column.name));
    return names;
  }

  Result<void> read_primary_key() {
    auto key = primary_key_of(table_.name);
    if (!key) return key.error();
    if (key->empty()) return {};
    std::string name = written_name(Kind::primary_key, *key);
    std::string definition = "PRIMARY KEY " + list(*key);
    add("PRIMARY KEY", std::move(name), std::move(*key), table_.name + "_pkey", std::move(definition));
    return {};
  }

  Result<void> read_unique() {
    Names indexes;
    {
      CatalogueQuery query(connection_, kUniqueConstraints, table_.name);
      while (query.next()) indexes.push_back(query.text(0));
      if (query.failure()) return *query.failure();
    }
    for (const auto& index : indexes) {
      Names columns;
      CatalogueQuery query(connection_, kIndexColumns, index);
      while (query.next()) columns.push_back(query.text(0));
      if (query.failure()) return *query.failure();
      std::string name = written_name(Kind::unique, columns);
      std::string generated = generated_name(columns, "_key");
      std::string definition = "UNIQUE " + list(columns);
      add("UNIQUE", std::move(name), std::move(columns), std::move(generated), std::move(definition));
    }
    return {};
  }

  Result<void> read_foreign_keys() {
    struct Key {
      std::int64_t id;
      Names columns;
      ConstraintInfo::Reference reference;
    };
    std::vector<Key> keys;
    {
      CatalogueQuery query(connection_, kForeignKeys, table_.name);
      while (query.next()) {
        const std::int64_t id = query.number(0);
        if (keys.empty() || keys.back().id != id) {
          keys.push_back({id, {}, {"main", query.text(1), {}, query.text(4), query.text(5)}});
        }
        keys.back().columns.push_back(query.text(2));
        if (!query.is_null(3)) keys.back().reference.columns.push_back(query.text(3));
      }
      if (query.failure()) return *query.failure();
    }
    for (auto& key : keys) {
      auto& reference = key.reference;
      if (reference.columns.empty()) {  // the primary key of a table that need not exist
        auto primary = primary_key_of(reference.table);
        if (!primary) return primary.error();
        reference.columns = std::move(*primary);
      }
      std::string definition = "FOREIGN KEY " + list(key.columns) + " REFERENCES " + quoted(reference.table);
      if (!reference.columns.empty()) definition += list(reference.columns);
      if (reference.on_update != "NO ACTION") definition += " ON UPDATE " + reference.on_update;
      if (reference.on_delete != "NO ACTION") definition += " ON DELETE " + reference.on_delete;
      std::string name = written_name(Kind::foreign_key, key.columns);
      std::string generated = generated_name(key.columns, "_fkey");
      add("FOREIGN KEY", std::move(name), std::move(key.columns), std::move(generated), std::move(definition))
          .reference = std::move(reference);
    }
    return {};
  }

  void add_checks() {
    for (auto& written : written_) {
      if (written.kind != Kind::check) continue;
      std::string generated = generated_name(written.columns, "_check");
      add("CHECK", std::move(written.name), std::move(written.columns), std::move(generated),
          "CHECK " + written.check);
    }
  }

  /// As PostgreSQL: the next free number behind a name that is taken.
  void name_the_nameless() {
    std::set<std::string> taken;
    for (const auto& info : found_) taken.insert(info.constraint_name);
    for (std::size_t i = 0; i < found_.size(); ++i) {
      std::string& name = found_[i].constraint_name;
      if (!name.empty()) continue;
      name = generated_[i];
      for (int n = 1; !taken.insert(name).second; ++n) name = generated_[i] + std::to_string(n);
    }
  }

  Connection& connection_;
  CatalogueTable table_;
  std::vector<WrittenConstraint> written_;
  std::vector<ConstraintInfo> found_;
  Names generated_;  // one for each of found_
};

}  // namespace

Result<std::vector<ConstraintInfo>> list_constraints(Connection& connection, std::string_view table) {
  const Snapshot snapshot(connection);
  if (snapshot.code() != SQLITE_OK) return connection.error(snapshot.code());
  auto found = find_table(connection, table);
  if (!found) return found.error();
  return Reader(connection, std::move(*found)).read();
}

Result<std::vector<engines::TableDescription>> describe_tables(Connection& connection, std::int64_t limit) {
  const Snapshot snapshot(connection);
  if (snapshot.code() != SQLITE_OK) return connection.error(snapshot.code());
  engines::TableQuery query;
  query.limit = limit;
  auto tables = list_tables(connection, query);
  if (!tables) return tables.error();
  std::vector<engines::TableDescription> descriptions;
  for (auto& table : *tables) {
    auto columns = list_columns(connection, table.table_name);
    if (!columns) return columns.error();
    auto constraints = list_constraints(connection, table.table_name);
    if (!constraints) return constraints.error();
    descriptions.push_back({std::move(table), std::move(*columns), std::move(*constraints)});
  }
  return descriptions;
}

}  // namespace athena::sqlite
