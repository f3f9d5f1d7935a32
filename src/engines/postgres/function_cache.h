#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "contract/settings.h"
#include "engines/postgres/function_catalogue.h"
#include "engines/postgres/schema_cache_loads.h"
#include "engines/postgres/text_query.h"

namespace athena::postgres {

/// Functions of one client as one shard knows them, loaded on first use by one catalogue query per name, kept
/// for engines.schema_cache_ttl_seconds, at most 1024 names (the least recently used leaves). A name without
/// functions is remembered for 2 s.
class FunctionCache {
 public:
  FunctionCache(TextQueryRunner& runner, contract::SettingsView settings,
                std::shared_ptr<TypeStore> types);

  struct Found {
    FunctionSetPtr set;   ///< never null; without overloads when there is no such function
    bool cached = false;  ///< it was there already: what is missing may be there by now
  };
  /// `schema` empty = public.
  base::Task<contract::Result<Found>> find(std::string_view schema, std::string_view name,
                                           base::Deadline deadline);
  void forget(std::string_view schema, std::string_view name);
  void forget_all();
  [[nodiscard]] std::size_t size() const { return index_.size(); }

 private:
  struct Entry {
    std::string key;
    FunctionSetPtr set;
    base::Clock::time_point expires;
  };
  FunctionSetPtr cached(const std::string& key);
  void put(const std::string& key, FunctionSetPtr set);
  void erase(const std::string& key);
  base::Task<LoadResult> load(std::string key, std::string schema, std::string name, FunctionSetPtr& loaded,
                              base::Deadline deadline);

  TextQueryRunner& runner_;
  contract::SettingsView settings_;
  std::shared_ptr<TypeStore> types_;
  SharedLoads loads_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
  std::uint64_t forgotten_ = 0;  // what was asked before the latest forget…() must not enter the cache
};

/// undefined_function for a name of which there is no function, with near names.
base::Task<contract::Error> undefined_function_with_suggestions(TextQueryRunner& runner, std::string schema,
                                                                std::string name, base::Deadline deadline);

}  // namespace athena::postgres
