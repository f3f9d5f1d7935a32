#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/deadline.h"
#include "engines/sql/table.h"

namespace athena::postgres {

/// Tables by the name they were asked for, the least recently used leaving first. Schema "" and schema
/// "public" are two names.
class TableEntries {
 public:
  explicit TableEntries(std::size_t capacity) : capacity_(capacity) {}

  /// The entry while it is fresh; null otherwise.
  sql::TablePtr find(std::string_view schema, std::string_view table, base::Clock::time_point now);
  /// What is stored, fresh or not; null = nothing. Does not count as use.
  [[nodiscard]] sql::TablePtr peek(std::string_view schema, std::string_view table) const;
  void put(std::string_view schema, std::string_view table, sql::TablePtr entry,
           base::Clock::time_point expires);
  void erase(std::string_view schema, std::string_view table);
  void clear();
  [[nodiscard]] std::size_t size() const { return index_.size(); }

 private:
  struct Name {
    std::string_view schema, table;
    bool operator==(const Name&) const = default;
  };
  struct NameHash {
    std::size_t operator()(const Name& name) const {
      const std::hash<std::string_view> hash;
      return hash(name.table) * 31 + hash(name.schema);
    }
  };
  struct Entry {
    std::string schema, table;
    sql::TablePtr value;
    base::Clock::time_point expires;
  };

  std::size_t capacity_;
  std::list<Entry> entries_;                                              // most recently used first
  std::unordered_map<Name, std::list<Entry>::iterator, NameHash> index_;  // views into entries_
};

}  // namespace athena::postgres
