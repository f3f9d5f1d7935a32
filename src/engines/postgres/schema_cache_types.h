#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engines/postgres/text_query.h"
#include "engines/postgres/values.h"
#include "engines/sql/table.h"

namespace athena::postgres {

/// A field of a row of the catalogue; empty for NULL and for fields that are missing.
std::string_view field(const TextRow& row, std::size_t index);
std::uint32_t number_field(const TextRow& row, std::size_t index);

/// The types of a database that are not built in: enums, domains, composites, arrays of them, types of
/// extensions. A type once given out stays valid as long as the store; when its definition changes a new one
/// takes its place. Belongs to one shard.
class TypeStore {
 public:
  /// Built-in or added before; null = unknown.
  [[nodiscard]] const sql::Type* find(std::uint32_t oid) const;
  /// Takes over the types among the rows of catalogue_sql::kTable and kType.
  void add(std::span<const TextRow> rows);

 private:
  struct Entry {
    sql::Type type;
    query::ValueFormat format;
    CompositeAttributes attributes;
    char delimiter = ',';
    std::string definition;  ///< equal = the same type
  };
  class Builder;

  std::vector<std::unique_ptr<Entry>> entries_;
  std::unordered_map<std::uint32_t, const Entry*> by_oid_;
};

}  // namespace athena::postgres
