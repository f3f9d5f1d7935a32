#include "engines/postgres/casts.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace athena::postgres {
namespace {

class Collector {
 public:
  void operator()(const query::Select& select) {
    projections(select.columns);
    conditions(select.conditions);
    sort(select.sort);
  }
  void operator()(const query::Count& count) { conditions(count.conditions); }
  void operator()(const query::FunctionCall& call) {
    projections(call.columns);
    conditions(call.conditions);
    sort(call.sort);
  }
  void operator()(const query::Insert& insert) { projections(insert.returning); }
  void operator()(const query::Update& update) {
    projections(update.returning);
    conditions(update.conditions);
    sort(update.sort);
  }
  void operator()(const query::Delete& remove) {
    projections(remove.returning);
    conditions(remove.conditions);
    sort(remove.sort);
  }
  std::vector<std::string_view> names;

 private:
  void add(std::string_view name) {
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  void projections(const query::List<query::Projection>& list) {
    for (const auto& projection : list) add(projection.column.cast);
  }
  void sort(const query::List<query::SortTerm>& list) {
    for (const auto& term : list) add(term.column.cast);
  }
  template <class Predicates>
  void conditions(const Predicates& list) {
    for (const query::Predicate& predicate : list) {
      add(predicate.column.cast);
      add(predicate.value_cast);
      conditions(predicate.children);
    }
  }
};

base::Task<bool> load(std::vector<std::string_view> names, SchemaCache& schema, base::Deadline deadline) {
  bool news = false;
  for (const auto name : names) {
    if (schema.types().find(name) != nullptr) continue;
    auto loaded = co_await schema.load_type(name, deadline);
    if (!loaded) continue;
    news = news || schema.types().find(name) != nullptr;
  }
  co_return news;
}

}  // namespace

base::Task<bool> load_casts(const query::Request& request, SchemaCache& schema, base::Deadline deadline) {
  Collector collector;
  std::visit(collector, request);
  auto news = co_await load(std::move(collector.names), schema, deadline);
  co_return news;
}

base::Task<bool> load_casts(const query::FunctionCall& call, SchemaCache& schema, base::Deadline deadline) {
  Collector collector;
  collector(call);
  auto news = co_await load(std::move(collector.names), schema, deadline);
  co_return news;
}

}  // namespace athena::postgres
