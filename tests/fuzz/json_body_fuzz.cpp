// link: athena_query
// Bodies of the four operations: whatever arrives is parsed or refused, and what was parsed holds together.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "query/parse.h"

namespace {

using namespace athena;

volatile std::size_t sink = 0;

void require(bool condition) {
  if (!condition) std::abort();
}

void touch(std::string_view text) {
  for (const char c : text) sink = sink + static_cast<unsigned char>(c);
}

void touch(const query::ColumnRef& column) {
  require(!column.name.empty());
  touch(column.name);
  touch(column.cast);
  for (const auto& step : column.path) {
    require(!step.key.empty());
    touch(step.key);
  }
}

void touch(const query::Value& value) {
  base::Buffer out;
  append_json(out, value);
  touch(out.view());
}

void touch(const query::Predicate& predicate, int depth) {
  require(depth <= 17);
  touch(predicate.member);
  if (predicate.kind == query::Predicate::Kind::compare) {
    require(predicate.value != nullptr);
    touch(predicate.column);
    touch(*predicate.value);
    touch(predicate.value_cast);
    touch(predicate.text_search_config);
    return;
  }
  require(!predicate.children.empty());
  // Objects of the form {a, b} inside of a group add a level that nobody wrote.
  for (const auto& child : predicate.children)
    touch(child, child.kind == query::Predicate::Kind::all_of ? depth : depth + 1);
}

void touch(const query::List<query::Projection>& columns) {
  for (const auto& entry : columns) {
    touch(entry.alias);
    if (!entry.all) touch(entry.column);
  }
}

template <class Request>
void touch_rows(const Request& request) {
  touch(request.target.schema);
  require(!request.target.table.empty() && request.target.table.size() <= 63);
  touch(request.target.table);
  require(request.conditions.size() <= 256);
  for (const auto& condition : request.conditions) touch(condition, 0);
  require(request.sort.size() <= 16);
  for (const auto& term : request.sort) touch(term.column);
  require(request.page.offset >= 0 && request.page.limit.value_or(0) >= 0 &&
          request.page.limit.value_or(0) <= 10000);
}

void touch(const query::List<query::Assignment>& assignments) {
  for (const auto& assignment : assignments) {
    require(!assignment.column.empty());
    touch(assignment.column);
    touch(*assignment.value);
  }
}

/// Writing a tree and reading it again gives the same text.
void check_round_trip(const query::Value& value) {
  base::Buffer first;
  append_json(first, value);
  std::pmr::monotonic_buffer_resource memory;
  auto again = base::parse_json(first.view(), memory);
  require(again.has_value());
  base::Buffer second;
  append_json(second, **again);
  require(first.view() == second.view());
}

void run(std::string_view text, const contract::GatewaySettings& settings) {
  std::pmr::monotonic_buffer_resource memory;
  auto body = query::parse_body(text, memory);
  if (!body) return;
  check_round_trip(**body);
  const query::ParseContext context{memory, settings, settings.max_rows};
  query::ReadOptions options;
  if (auto select = query::parse_select(**body, context, options)) {
    touch_rows(*select);
    touch(select->columns);
  }
  if (auto insert = query::parse_insert(**body, context)) {
    for (const auto* row : insert->rows) touch(*row);
    for (const auto column : insert->on_conflict) touch(column);
    touch(insert->update_body);
    touch(insert->returning);
  }
  if (auto update = query::parse_update(**body, context, options)) {
    require(!update->set.empty());
    require(!update->conditions.empty() || update->allow_unfiltered);
    touch_rows(*update);
    touch(update->set);
    touch(update->returning);
  }
  if (auto removal = query::parse_delete(**body, context)) {
    require(removal->resource_id != nullptr || !removal->conditions.empty());
    touch_rows(*removal);
    touch(removal->returning);
    if (removal->resource_id != nullptr) touch(*removal->resource_id);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const contract::GatewaySettings plain;
  static const contract::GatewaySettings casing = [] {
    contract::GatewaySettings settings;
    settings.force_camel_case_to_snake_case = true;
    settings.allow_schema_names_prefixed_as_table_name = false;
    return settings;
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  run(text, plain);
  run(text, casing);
  return 0;
}
