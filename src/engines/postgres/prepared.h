#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "engines/sql/statement.h"
#include "query/row_sink.h"

namespace athena::postgres {

/// A column of a result as the server names it.
struct ResultColumn {
  std::string name;
  std::uint32_t type_oid = 0;
};

/// A statement as one connection knows it. Kept while it is cached or while requests that were sent with it
/// await their rows.
struct Prepared : boost::intrusive::list_base_hook<> {
  std::string sql;
  std::vector<std::uint32_t> parameter_oids;
  std::string name;  ///< empty = the unnamed statement
  bool cached = false;
  bool described = false;  ///< formats are known
  std::uint32_t users = 0;
  std::vector<const query::ValueFormat*> formats;  ///< of the result's columns
  std::vector<ResultColumn> columns;               ///< likewise

  [[nodiscard]] bool takes(std::span<const sql::Bind> binds) const;
};

/// Prepared statements of one connection by SQL text (a shape: names and operators, never values) and
/// parameter types; the least recently used one goes when it is full. Shard-local.
class PreparedCache {
 public:
  /// What a client counts over all its connections.
  struct Counters {
    std::atomic<std::uint64_t> prepared{0}, evicted{0};
  };
  PreparedCache(std::size_t capacity, Counters& counters) : capacity_(capacity), counters_(counters) {}
  ~PreparedCache();
  PreparedCache(const PreparedCache&) = delete;
  PreparedCache& operator=(const PreparedCache&) = delete;

  /// The cached statement, now the most recently used one, or null.
  Prepared* find(std::string_view sql, std::span<const sql::Bind> binds);
  /// A new entry with a name of its own. What has to go to make room is closed by frames appended to `out`.
  Prepared* add(std::string_view sql, std::span<const sql::Bind> binds, base::Buffer& out);
  /// An entry for the unnamed statement, never found by others.
  static Prepared* unnamed();
  /// Takes an entry out; it is freed when its last user is gone. Appends no frame.
  void forget(Prepared& prepared);
  /// Everything, after DISCARD ALL.
  void forget_all();
  static void acquire(Prepared& prepared) { ++prepared.users; }
  static void release(Prepared& prepared);

  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::size_t size() const { return by_sql_.size(); }

 private:
  std::size_t capacity_;
  Counters& counters_;
  std::uint64_t next_name_ = 0;
  boost::unordered_flat_map<std::string_view, Prepared*> by_sql_;
  boost::intrusive::list<Prepared, boost::intrusive::constant_time_size<false>> by_use_;  // most recent first
};

}  // namespace athena::postgres
