#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3_stmt;

namespace athena::sqlite {

struct TextInfo;

/// A prepared statement in the cache of its connection.
struct Prepared {
  std::string sql;
  sqlite3_stmt* statement = nullptr;
  /// Inline executions to skip, as the last one was stopped for taking too long (inline_reader.cpp).
  std::uint32_t inline_pause = 0;
  std::shared_ptr<const TextInfo> info = {};  ///< of statements written by callers
};

/// Prepared statements by their text; the least recently used go first. Owns them.
class StatementCache {
 public:
  explicit StatementCache(std::size_t limit) : limit_(limit) {}
  ~StatementCache() { clear(); }
  StatementCache(const StatementCache&) = delete;
  StatementCache& operator=(const StatementCache&) = delete;

  /// Null when it is not there. Valid until the next insert().
  Prepared* find(std::string_view sql);
  Prepared* insert(std::string_view sql, sqlite3_stmt* statement);
  void clear();

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Entries = std::list<Prepared>;

  std::size_t limit_;
  Entries entries_;  // most recently used first
  std::unordered_map<std::string_view, Entries::iterator, Hash, std::equal_to<>> index_;
};

}  // namespace athena::sqlite
