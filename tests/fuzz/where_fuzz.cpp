// link: athena_query
// Bodies and query parameters of all readers beyond the four operations: a fetch with everything it may
// carry, count, function calls, raw text. The first line of the input is a query string, the rest is a body.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

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

void touch(const query::Value& value) {
  base::Buffer out;
  append_json(out, value);
  touch(out.view());
}

std::size_t touch(const query::Predicate& predicate, int depth) {
  require(depth <= 40);  // objects of `where` add levels that nobody wrote
  touch(predicate.member);
  if (predicate.kind == query::Predicate::Kind::compare) {
    require(predicate.value != nullptr && !predicate.column.name.empty());
    touch(predicate.column.name);
    for (const auto& step : predicate.column.path) touch(step.key);
    touch(*predicate.value);
    touch(predicate.text_search_config);
    return 1;
  }
  require(!predicate.children.empty());
  std::size_t terms = 0;
  for (const auto& child : predicate.children) terms += touch(child, depth + 1);
  return terms;
}

void touch(const query::List<query::Predicate>& conditions) {
  std::size_t terms = 0;
  for (const auto& condition : conditions) terms += touch(condition, 0);
  require(terms <= 256);
}

void touch(const query::FunctionCall& call) {
  require(!call.function.table.empty());
  touch(call.function.schema);
  touch(call.function.table);
  for (const auto& argument : call.arguments) {
    touch(argument.name);
    touch(*argument.value);
  }
  touch(call.conditions);
  require(call.page.limit.has_value() && *call.page.limit >= 0 && call.page.offset >= 0);
}

/// `a=1&b=2`, not decoded.
std::vector<query::UrlParameter> parameters_of(std::string_view text) {
  std::vector<query::UrlParameter> parameters;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    parameters.push_back({pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size()))});
  }
  return parameters;
}

void run_select(const query::Value& body, const query::ParseContext& context) {
  query::ReadOptions options;
  const auto select = query::parse_select(body, context, options);
  if (!select) return;
  touch(select->conditions);
  if (options.grouping) {
    require(!context.stream);
    touch(options.grouping->group_by);
    touch(options.grouping->aggregation_column);
  }
}

void run(std::string_view query_string, std::string_view text, const contract::GatewaySettings& settings,
         bool stream) {
  std::pmr::unsynchronized_pool_resource pool({.max_blocks_per_chunk = 1, .largest_required_pool_block = 1});
  const query::ParseContext context{pool, settings, settings.max_rows, stream};
  constexpr std::array<std::string_view, 4> kArguments = {"a", "tags", "limit", "schema"};

  const auto parameters = parameters_of(query_string);
  if (const auto body = query::parse_data_parameters(parameters, pool)) run_select(**body, context);
  if (const auto call = query::parse_function_url("s.f", parameters, kArguments, context)) touch(*call);

  const auto body = query::parse_body(text, pool);
  if (!body) return;
  run_select(**body, context);
  if (const auto count = query::parse_count(**body, context)) {
    require(!count->target.table.empty() && count->mode != query::CountMode::none);
    touch(count->conditions);
  }
  for (const std::string_view function : {"", "f"}) {
    if (const auto call = query::parse_function_call(function, **body, kArguments, context)) {
      touch(*call);
      require(query::parse_function_name(function, **body, context).has_value());
    }
  }
  if (const auto raw = query::parse_raw_text(**body, context)) {
    require(!raw->text.empty() && raw->max_rows >= 0 && raw->max_rows <= settings.max_rows);
    for (const auto* param : raw->params) touch(*param);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const contract::GatewaySettings plain;
  static const contract::GatewaySettings casing = [] {
    contract::GatewaySettings settings;
    settings.force_camel_case_to_snake_case = true;
    return settings;
  }();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view body = input.substr(std::min(line + 1, input.size()));
  run(input.substr(0, line), body, plain, false);
  run(input.substr(0, line), body, casing, true);
  return 0;
}
