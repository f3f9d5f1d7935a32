#include "engines/postgres/schema_cache_entries.h"

#include <utility>

namespace athena::postgres {

sql::TablePtr TableEntries::find(std::string_view schema, std::string_view table,
                                 base::Clock::time_point now) {
  const auto found = index_.find(Name{schema, table});
  if (found == index_.end() || found->second->expires <= now) return nullptr;
  if (found->second != entries_.begin()) entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->value;
}

sql::TablePtr TableEntries::peek(std::string_view schema, std::string_view table) const {
  const auto found = index_.find(Name{schema, table});
  return found == index_.end() ? nullptr : found->second->value;
}

void TableEntries::put(std::string_view schema, std::string_view table, sql::TablePtr entry,
                       base::Clock::time_point expires) {
  const auto found = index_.find(Name{schema, table});
  if (found != index_.end()) {
    found->second->value = std::move(entry);
    found->second->expires = expires;
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  while (!entries_.empty() && entries_.size() >= capacity_) {
    const Entry& oldest = entries_.back();
    index_.erase(Name{oldest.schema, oldest.table});
    entries_.pop_back();
  }
  Entry& added = entries_.emplace_front(std::string(schema), std::string(table), std::move(entry), expires);
  index_.emplace(Name{added.schema, added.table}, entries_.begin());
}

void TableEntries::erase(std::string_view schema, std::string_view table) {
  const auto found = index_.find(Name{schema, table});
  if (found == index_.end()) return;
  const auto entry = found->second;
  index_.erase(found);
  entries_.erase(entry);
}

void TableEntries::clear() {
  index_.clear();
  entries_.clear();
}

}  // namespace athena::postgres
