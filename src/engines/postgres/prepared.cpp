#include "engines/postgres/prepared.h"

#include <algorithm>

#include "engines/postgres/wire.h"

namespace athena::postgres {

bool Prepared::takes(std::span<const sql::Bind> binds) const {
  return std::ranges::equal(parameter_oids, binds, {}, {}, &sql::Bind::type_oid);
}

PreparedCache::~PreparedCache() {
  forget_all();
}

Prepared* PreparedCache::find(std::string_view sql, std::span<const sql::Bind> binds) {
  const auto found = by_sql_.find(sql);
  if (found == by_sql_.end() || !found->second->takes(binds)) return nullptr;
  Prepared& prepared = *found->second;
  if (&by_use_.front() != &prepared) by_use_.splice(by_use_.begin(), by_use_, by_use_.iterator_to(prepared));
  return &prepared;
}

Prepared* PreparedCache::add(std::string_view sql, std::span<const sql::Bind> binds, base::Buffer& out) {
  // Same text, other parameter types (a column was altered): the old one is of no use any more.
  if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
    wire::append_close_statement(out, found->second->name);
    forget(*found->second);
  }
  while (by_sql_.size() >= capacity_ && !by_use_.empty()) {
    Prepared& oldest = by_use_.back();
    wire::append_close_statement(out, oldest.name);
    forget(oldest);
    counters_.evicted.fetch_add(1, std::memory_order_relaxed);
  }
  auto* const prepared = new Prepared;
  prepared->sql = sql;
  for (const auto& bind : binds) prepared->parameter_oids.push_back(bind.type_oid);
  prepared->name = "s" + std::to_string(++next_name_);
  prepared->cached = true;
  by_sql_.emplace(prepared->sql, prepared);
  by_use_.push_front(*prepared);
  counters_.prepared.fetch_add(1, std::memory_order_relaxed);
  return prepared;
}

Prepared* PreparedCache::unnamed() {
  return new Prepared;
}

void PreparedCache::forget(Prepared& prepared) {
  if (!prepared.cached) return;
  by_sql_.erase(prepared.sql);
  by_use_.erase(by_use_.iterator_to(prepared));
  prepared.cached = false;
  if (prepared.users == 0) delete &prepared;
}

void PreparedCache::forget_all() {
  while (!by_use_.empty()) forget(by_use_.front());
}

void PreparedCache::release(Prepared& prepared) {
  if (--prepared.users == 0 && !prepared.cached) delete &prepared;
}

}  // namespace athena::postgres
