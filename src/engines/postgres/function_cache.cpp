#include "engines/postgres/function_cache.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "engines/postgres/catalogue_sql.h"

namespace athena::postgres {
namespace {

constexpr std::size_t kMaxNames = 1024;
constexpr std::size_t kMaxName = 63;
constexpr std::chrono::seconds kMissingFor{2};

bool can_exist(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name.find('\0') == std::string_view::npos;
}

std::string schema_or_public(std::string_view schema) {
  return std::string(schema.empty() ? "public" : schema);
}

std::string key_of(std::string_view schema, std::string_view name) {
  std::string key = schema_or_public(schema);
  key.push_back('\0');
  key.append(name);
  return key;
}

}  // namespace

FunctionCache::FunctionCache(TextQueryRunner& runner, contract::SettingsView settings,
                             std::shared_ptr<TypeStore> types)
    : runner_(runner), settings_(settings), types_(std::move(types)) {}

FunctionSetPtr FunctionCache::cached(const std::string& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  if (found->second->expires <= base::Clock::now()) {
    erase(key);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return entries_.front().set;
}

void FunctionCache::put(const std::string& key, FunctionSetPtr set) {
  erase(key);
  while (index_.size() >= kMaxNames) erase(entries_.back().key);
  const std::chrono::seconds lifetime(settings_->schema_cache_ttl_seconds);
  const auto kept = set->overloads.empty() ? std::min(kMissingFor, lifetime) : lifetime;
  entries_.push_front({key, std::move(set), base::Clock::now() + kept});
  index_.emplace(entries_.front().key, entries_.begin());
}

void FunctionCache::erase(const std::string& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return;
  const auto entry = found->second;
  index_.erase(found);
  entries_.erase(entry);
}

void FunctionCache::forget(std::string_view schema, std::string_view name) {
  ++forgotten_;
  erase(key_of(schema, name));
}

void FunctionCache::forget_all() {
  ++forgotten_;
  index_.clear();
  entries_.clear();
}

base::Task<LoadResult> FunctionCache::load(std::string key, std::string schema, std::string name,
                                           FunctionSetPtr& loaded, base::Deadline deadline) {
  const std::uint64_t asked_at = forgotten_;
  std::string text(catalogue_sql::kFunctions);
  std::vector<std::optional<std::string>> parameters{schema, name};
  auto rows = co_await runner_.query(std::move(text), std::move(parameters), deadline);
  if (!rows) co_return std::move(rows).error();
  loaded = read_functions(*rows, types_);
  if (asked_at == forgotten_) put(key, loaded);
  co_return sql::TablePtr();
}

base::Task<contract::Result<FunctionCache::Found>> FunctionCache::find(std::string_view schema,
                                                                       std::string_view name,
                                                                       base::Deadline deadline) {
  if (!can_exist(name) || (!schema.empty() && !can_exist(schema)))
    co_return Found{std::make_shared<FunctionSet>(), false};
  const std::string schema_name = schema_or_public(schema);
  const std::string function_name(name);
  const std::string key = key_of(schema, name);
  bool waited = false;
  for (;;) {
    if (auto set = cached(key)) co_return Found{std::move(set), !waited};
    auto under_way = loads_.find(key);
    if (under_way == nullptr) {
      FunctionSetPtr loaded;
      SharedLoads::Lead lead = loads_.lead(key);
      auto result = co_await load(key, schema_name, function_name, loaded, deadline);
      lead.finish(result);
      if (!result) co_return std::move(result).error();
      co_return Found{std::move(loaded), false};
    }
    auto result = co_await wait_for(std::move(under_way), deadline);
    waited = true;
    if (result && !*result) co_return std::move(*result).error();
  }
}

base::Task<contract::Error> undefined_function_with_suggestions(TextQueryRunner& runner, std::string schema,
                                                                std::string name, base::Deadline deadline) {
  if (schema.empty()) schema = "public";
  contract::Error error(contract::ErrorCode::undefined_function,
                        "Function \"" + schema + "." + name + "\" does not exist.");
  error.with("function", std::string_view(name)).with("schema", std::string_view(schema));
  if (!can_exist(name) || !can_exist(schema)) co_return error;
  std::string text(catalogue_sql::kNearFunctions);
  std::vector<std::optional<std::string>> parameters{schema, name};
  auto rows = co_await runner.query(std::move(text), std::move(parameters), deadline);
  if (!rows) co_return error;
  std::vector<std::string_view> names;
  for (const TextRow& row : *rows) names.push_back(field(row, 0));
  const auto near = contract::near_names(name, names);
  error.with("suggestions", std::span<const std::string>(near));
  if (!near.empty()) error.hint(contract::did_you_mean(near));
  co_return error;
}

}  // namespace athena::postgres
