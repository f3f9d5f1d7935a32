#include "engines/postgres/schema_cache.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engines/postgres/catalogue_sql.h"
#include "engines/postgres/function_cache.h"
#include "engines/postgres/schema_cache_entries.h"
#include "engines/postgres/schema_cache_list.h"
#include "engines/postgres/schema_cache_loads.h"
#include "engines/postgres/schema_cache_missing.h"
#include "engines/postgres/schema_cache_table.h"
#include "engines/postgres/schema_cache_types.h"
#include "engines/postgres/type_name.h"
#include "engines/postgres/types.h"

namespace athena::postgres {

namespace {

constexpr std::size_t kMaxTables = 4096;
constexpr std::size_t kMaxMissing = 1024;    // remembered names that do not exist; requests choose them
constexpr std::size_t kMaxTypeNames = 4096;  // likewise, known or not
constexpr std::size_t kMaxSeen = 65536;
constexpr std::size_t kMaxName = 63;
constexpr std::chrono::seconds kMissingFor{2};

std::string key_of(std::string_view schema, std::string_view name) {
  std::string key(schema);
  key.push_back('\0');
  key.append(name);
  return key;
}

bool can_exist(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name.find('\0') == std::string_view::npos;
}

/// Room for one more in a map whose values have a time `expires`.
template <class Map>
void make_room(Map& map, std::size_t limit, base::Clock::time_point now) {
  if (map.size() < limit) return;
  std::erase_if(map, [&](const auto& entry) { return entry.second.expires <= now; });
  if (map.size() >= limit) map.clear();
}

/// Types by the name that a cast gave them.
class NamedTypes : public sql::TypeCatalogue {
 public:
  explicit NamedTypes(const std::shared_ptr<TypeStore>& store) : store_(store) {}

  [[nodiscard]] const sql::Type* find(std::string_view name) const override {
    if (const sql::Type* type = builtin_type(name)) return type;
    const auto parsed = parse_type_name(name);
    if (!parsed) return nullptr;
    const auto it = names_.find(key_of(parsed->schema, parsed->name));
    if (it == names_.end() || it->second.expires <= base::Clock::now()) return nullptr;
    const sql::Type* type = store_->find(it->second.oid);
    if (type == nullptr || !parsed->array || type->category == sql::TypeCategory::array) return type;
    return store_->find(type->array_oid);
  }

  /// True when the name was looked up not long ago, whether it exists or not.
  [[nodiscard]] bool is_fresh(const TypeName& name) const {
    const auto it = names_.find(key_of(name.schema, name.name));
    return it != names_.end() && it->second.expires > base::Clock::now();
  }

  /// oid 0 = there is no such type.
  void remember(const TypeName& name, std::uint32_t oid, base::Clock::time_point expires) {
    make_room(names_, kMaxTypeNames, base::Clock::now());
    names_[key_of(name.schema, name.name)] = {.oid = oid, .expires = expires};
  }
  void forget() { names_.clear(); }

 private:
  struct Entry {
    std::uint32_t oid;
    base::Clock::time_point expires;
  };
  std::shared_ptr<TypeStore> store_;
  std::unordered_map<std::string, Entry> names_;
};

struct Missing {
  contract::Error error;
  base::Clock::time_point expires;
};

}  // namespace

struct SchemaCache::State {
  State(TextQueryRunner& text_runner, contract::SettingsView gateway_settings)
      : runner(text_runner), settings(gateway_settings) {}

  [[nodiscard]] std::chrono::seconds lifetime() const {
    return std::chrono::seconds(settings->schema_cache_ttl_seconds);
  }
  const Missing* find_missing(const std::string& key) const {
    const auto it = missing.find(key);
    return it != missing.end() && it->second.expires > base::Clock::now() ? &it->second : nullptr;
  }
  void count_load(const std::string& key);
  sql::TablePtr store(const std::string& schema, const std::string& table,
                      std::shared_ptr<sql::Table> loaded);
  base::Task<LoadResult> load_table(std::string schema, std::string table, base::Deadline deadline);
  base::Task<LoadResult> load_type(TypeName name, base::Deadline deadline);

  TextQueryRunner& runner;
  contract::SettingsView settings;
  std::shared_ptr<TypeStore> types = std::make_shared<TypeStore>();
  NamedTypes named_types{types};
  FunctionCache functions{runner, settings, types};
  TableEntries tables{kMaxTables};
  std::unordered_map<std::string, Missing> missing;
  SharedLoads loads;
  std::unordered_set<std::size_t> seen;  ///< hashes of names that were loaded before
  std::uint64_t version = 0;
  std::uint64_t reloads = 0;
  std::uint64_t forgotten = 0;  ///< what was asked before the latest forget…() must not enter the cache
};

void SchemaCache::State::count_load(const std::string& key) {
  if (seen.size() >= kMaxSeen) seen.clear();
  if (!seen.insert(std::hash<std::string>()(key)).second) ++reloads;
}

sql::TablePtr SchemaCache::State::store(const std::string& schema, const std::string& table,
                                        std::shared_ptr<sql::Table> loaded) {
  tables.put(schema, table, loaded, base::Clock::now() + lifetime());
  return loaded;
}

base::Task<LoadResult> SchemaCache::State::load_table(std::string schema, std::string table,
                                                      base::Deadline deadline) {
  const std::uint64_t asked_at = forgotten;
  std::string text(catalogue_sql::kTable);
  std::vector<std::optional<std::string>> parameters{schema, table};
  auto rows = co_await runner.query(std::move(text), std::move(parameters), deadline);
  if (!rows) co_return std::move(rows).error();
  if (auto loaded = read_table(*rows, types)) {
    count_load(key_of(schema, table));
    loaded->version = ++version;
    if (asked_at == forgotten) co_return store(schema, table, std::move(loaded));
    co_return sql::TablePtr(std::move(loaded));
  }
  tables.erase(schema, table);
  contract::Error error = co_await undefined_table_with_suggestions(runner, schema, table, deadline);
  const auto now = base::Clock::now();
  make_room(missing, kMaxMissing, now);
  if (asked_at == forgotten)
    missing.insert_or_assign(key_of(schema, table), Missing{error, now + kMissingFor});
  co_return error;
}

base::Task<LoadResult> SchemaCache::State::load_type(TypeName name, base::Deadline deadline) {
  std::string text(catalogue_sql::kType);
  std::vector<std::optional<std::string>> parameters{name.schema, name.name};
  auto rows = co_await runner.query(std::move(text), std::move(parameters), deadline);
  if (!rows) co_return std::move(rows).error();
  std::uint32_t oid = 0;
  if (!rows->empty() && number_field(rows->front(), 0) == 0) oid = number_field(rows->front(), 2);
  types->add(*rows);
  const auto lifetime_of_name = oid == 0 ? kMissingFor : std::max(kMissingFor, lifetime());
  named_types.remember(name, oid, base::Clock::now() + lifetime_of_name);
  co_return sql::TablePtr();
}

SchemaCache::SchemaCache(TextQueryRunner& runner, contract::SettingsView settings)
    : state_(std::make_unique<State>(runner, settings)) {}

SchemaCache::~SchemaCache() = default;

sql::TablePtr SchemaCache::find_cached(std::string_view schema, std::string_view table) {
  return state_->tables.find(schema, table, base::Clock::now());
}

base::Task<contract::Result<sql::TablePtr>> SchemaCache::find(std::string_view schema, std::string_view table,
                                                              base::Deadline deadline) {
  State& state = *state_;
  if (!can_exist(table) || (!schema.empty() && !can_exist(schema))) co_return undefined_table(schema, table);
  const std::string schema_name(schema);
  const std::string table_name(table);
  const std::string key = key_of(schema, table);
  for (;;) {
    if (auto cached = find_cached(schema_name, table_name)) co_return cached;
    if (const Missing* known = state.find_missing(key)) co_return known->error;
    auto load = state.loads.find(key);
    if (load == nullptr) {
      SharedLoads::Lead lead = state.loads.lead(key);
      auto result = co_await state.load_table(schema_name, table_name, deadline);
      lead.finish(result);
      co_return result;
    }
    auto result = co_await wait_for(std::move(load), deadline);
    if (result) co_return std::move(*result);
  }
}

const sql::TypeCatalogue& SchemaCache::types() const {
  return state_->named_types;
}

base::Task<contract::Result<void>> SchemaCache::load_type(std::string_view name, base::Deadline deadline) {
  State& state = *state_;
  const auto parsed = parse_type_name(name);
  if (!parsed || builtin_type(name) != nullptr)
    co_return contract::Result<void>(boost::system::in_place_value);
  const std::string key =
      key_of("", key_of("", key_of(parsed->schema, parsed->name)));  // no table has such a name
  while (!state.named_types.is_fresh(*parsed)) {
    auto load = state.loads.find(key);
    if (load == nullptr) {
      SharedLoads::Lead lead = state.loads.lead(key);
      auto result = co_await state.load_type(*parsed, deadline);
      lead.finish(result);
      if (!result) co_return std::move(result).error();
      break;
    }
    auto result = co_await wait_for(std::move(load), deadline);
    if (result && !*result) co_return std::move(*result).error();
  }
  co_return contract::Result<void>(boost::system::in_place_value);
}

FunctionCache& SchemaCache::functions() {
  return state_->functions;
}

TextQueryRunner& SchemaCache::runner() {
  return state_->runner;
}

const sql::Type* SchemaCache::type(std::uint32_t oid) const {
  return state_->types->find(oid);
}

void SchemaCache::forget(const sql::Table& table) {
  ++state_->forgotten;
  state_->tables.erase("", table.name);
  state_->tables.erase(table.schema, table.name);
}

void SchemaCache::forget_all() {
  ++state_->forgotten;
  state_->tables.clear();
  state_->missing.clear();
  state_->named_types.forget();
  state_->functions.forget_all();
}

std::size_t SchemaCache::size() const {
  return state_->tables.size();
}

std::uint64_t SchemaCache::reloads() const {
  return state_->reloads;
}

base::Task<contract::Result<std::vector<engines::TableInfo>>> SchemaCache::list_tables(
    engines::TableQuery query, base::Deadline deadline) {
  return read_tables(state_->runner, std::move(query), deadline);
}

base::Task<contract::Result<std::vector<engines::ColumnInfo>>> SchemaCache::list_columns(
    std::string schema, std::string table, base::Deadline deadline) {
  return read_columns(state_->runner, std::move(schema), std::move(table), deadline);
}

}  // namespace athena::postgres
