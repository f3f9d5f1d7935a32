#include "engines/postgres/schema_cache_types.h"

#include <charconv>
#include <memory_resource>
#include <set>
#include <utility>

#include "base/json_writer.h"
#include "engines/postgres/catalogue_sql.h"
#include "engines/postgres/types.h"
#include "engines/sql/dialect.h"

namespace athena::postgres {

namespace {

constexpr std::size_t kMaxTypes = 65536;  // beyond it, types are text: a database that makes types in a loop
constexpr int kMaxNesting = 32;           // of types; PostgreSQL allows no cycles

using Category = sql::TypeCategory;

// Fields of a row of kPartType, behind part and number.
enum TypeField : std::size_t {
  oid_field = 2,
  schema_field,
  name_field,
  kind_field,
  category_field,
  array_field,
  element_field,
  base_field,
  delimiter_field,
};

std::string quoted_name(std::string_view schema, std::string_view name) {
  std::pmr::string text;
  sql::append_identifier(text, schema);
  text.push_back('.');
  sql::append_identifier(text, name);
  return std::string(text);
}

Category base_category(std::string_view letter) {
  if (letter == "S") return Category::text;
  if (letter == "G") return Category::geometric;
  if (letter == "I") return Category::network;
  return Category::other;
}

}  // namespace

std::string_view field(const TextRow& row, std::size_t index) {
  return index < row.size() && row[index] ? std::string_view(*row[index]) : std::string_view();
}

std::uint32_t number_field(const TextRow& row, std::size_t index) {
  const std::string_view text = field(row, index);
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Makes the types of one answer, those they consist of first.
class TypeStore::Builder {
 public:
  Builder(TypeStore& store, std::span<const TextRow> rows) : store_(store) {
    for (const TextRow& row : rows) {
      const std::uint32_t part = number_field(row, 0);
      if (part == catalogue_sql::kPartType) rows_.emplace(number_field(row, oid_field), &row);
      if (part == catalogue_sql::kPartAttribute) attributes_[number_field(row, oid_field)].push_back(&row);
    }
  }

  void run() {
    for (const auto& [oid, row] : rows_) resolve(oid, 0);
  }

 private:
  const sql::Type* resolve(std::uint32_t oid, int depth) {
    const auto row = rows_.find(oid);
    if (row == rows_.end()) return store_.find(oid);
    if (const auto made = made_.find(oid); made != made_.end()) return made->second;
    if (depth > kMaxNesting || !open_.insert(oid).second) return nullptr;
    const sql::Type* type = make(*row->second, depth);
    open_.erase(oid);
    made_.emplace(oid, type);
    return type;
  }

  const sql::Type* make(const TextRow& row, int depth) {
    auto entry = std::make_unique<Entry>();
    sql::Type& type = entry->type;
    type.oid = number_field(row, oid_field);
    type.array_oid = number_field(row, array_field);
    type.udt_name = field(row, name_field);
    type.name = quoted_name(field(row, schema_field), type.udt_name);
    type.format = &kStringFormat;
    fill(*entry, row, depth);
    describe(*entry, row);

    const auto known = store_.by_oid_.find(type.oid);
    if (known != store_.by_oid_.end() && known->second->definition == entry->definition)
      return &known->second->type;
    if (store_.entries_.size() >= kMaxTypes) return nullptr;
    store_.by_oid_[type.oid] = entry.get();
    return &store_.entries_.emplace_back(std::move(entry))->type;
  }

  void fill(Entry& entry, const TextRow& row, int depth) {
    sql::Type& type = entry.type;
    const std::string_view kind = field(row, kind_field);
    if (kind == "e") {
      type.category = Category::enumeration;
    } else if (kind == "r") {
      type.category = Category::range;
    } else if (kind == "m") {
      type.category = Category::multirange;
    } else if (kind == "c") {
      type.category = Category::composite;
      fill_composite(entry, depth);
    } else if (kind == "d") {
      if (const sql::Type* base = resolve(number_field(row, base_field), depth + 1)) {
        type.category = base->category;
        type.element = base->element;
        type.format = base->format;
      }
    } else if (number_field(row, element_field) != 0) {
      type.category = Category::array;
      fill_array(entry, row, depth);
    } else {
      type.category = base_category(field(row, category_field));
      if (type.udt_name == "hstore") type.format = &kHstoreFormat;
    }
  }

  void fill_array(Entry& entry, const TextRow& row, int depth) {
    const sql::Type* element = resolve(number_field(row, element_field), depth + 1);
    if (element == nullptr) return;
    const std::string_view delimiter = field(row, delimiter_field);
    if (!delimiter.empty()) entry.delimiter = delimiter[0];
    entry.type.element = element;
    entry.type.name = element->name + "[]";
    entry.format = array_format(*element->format, &entry.delimiter);
    entry.type.format = &entry.format;
  }

  void fill_composite(Entry& entry, int depth) {
    for (const TextRow* row : attributes_[entry.type.oid]) {
      const std::string_view name = field(*row, 3);
      const sql::Type* type = resolve(number_field(*row, 4), depth + 1);
      entry.attributes.attributes.push_back({.key = base::json_string(name) + ':',
                                             .format = type != nullptr ? type->format : &kStringFormat,
                                             .type = type,
                                             .name = std::string(name)});
    }
    entry.format = composite_format(entry.attributes);
    entry.type.format = &entry.format;
  }

  /// The definition names what the type refers to by address: those stay as they are while their definitions
  /// do.
  static void describe(Entry& entry, const TextRow& row) {
    const auto add = [&](std::string_view text) { entry.definition.append(text).push_back('\0'); };
    const auto refer = [&](const void* to) { add(std::to_string(reinterpret_cast<std::uintptr_t>(to))); };
    for (std::size_t i = oid_field; i <= delimiter_field; ++i) add(field(row, i));
    refer(entry.type.element);
    if (entry.type.format != &entry.format) refer(entry.type.format);
    for (const auto& attribute : entry.attributes.attributes) {
      add(attribute.key);
      refer(attribute.format);
      refer(attribute.type);
    }
  }

  TypeStore& store_;
  std::unordered_map<std::uint32_t, const TextRow*> rows_;
  std::unordered_map<std::uint32_t, std::vector<const TextRow*>> attributes_;
  std::unordered_map<std::uint32_t, const sql::Type*> made_;
  std::set<std::uint32_t> open_;
};

const sql::Type* TypeStore::find(std::uint32_t oid) const {
  if (const sql::Type* type = builtin_type(oid)) return type;
  const auto it = by_oid_.find(oid);
  return it == by_oid_.end() ? nullptr : &it->second->type;
}

void TypeStore::add(std::span<const TextRow> rows) {
  Builder(*this, rows).run();
}

}  // namespace athena::postgres
