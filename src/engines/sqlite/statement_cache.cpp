#include "engines/sqlite/statement_cache.h"

#include <sqlite3.h>

namespace athena::sqlite {

Prepared* StatementCache::find(std::string_view sql) {
  // The same statement again is the rule under load, and comparing is cheaper than hashing.
  if (!entries_.empty() && entries_.front().sql == sql) return &entries_.front();
  const auto found = index_.find(sql);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &entries_.front();
}

Prepared* StatementCache::insert(std::string_view sql, sqlite3_stmt* statement) {
  if (entries_.size() >= limit_) {
    sqlite3_finalize(entries_.back().statement);
    index_.erase(entries_.back().sql);
    entries_.pop_back();
  }
  entries_.push_front({std::string(sql), statement});
  index_.emplace(entries_.front().sql, entries_.begin());
  return &entries_.front();
}

void StatementCache::clear() {
  index_.clear();
  for (auto& prepared : entries_) sqlite3_finalize(prepared.statement);
  entries_.clear();
}

}  // namespace athena::sqlite
