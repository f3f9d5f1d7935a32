// link: athena_query
// Texts of expressions, filters and raw SQL: each is read or refused with a place inside of the text, and
// what was read holds together. The first byte chooses what the rest is.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "query/expression.h"
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
  touch(value.text);
  for (const auto* item : value.items) touch(*item);
}

std::size_t touch(const query::Predicate& predicate, int depth) {
  require(depth <= 18);
  touch(predicate.member);
  if (predicate.kind == query::Predicate::Kind::compare) {
    require(predicate.value != nullptr && predicate.text_form);
    require(!predicate.column.name.empty() && predicate.column.name.size() <= 63);
    touch(predicate.column.name);
    for (const auto& step : predicate.column.path) {
      require(!step.key.empty());
      touch(step.key);
    }
    touch(*predicate.value);
    touch(predicate.text_search_config);
    return 1;
  }
  require(!predicate.children.empty());
  std::size_t terms = 0;
  for (const auto& child : predicate.children) terms += touch(child, depth + 1);
  return terms;
}

void check_error(const contract::Error& error, std::string_view text, bool positioned) {
  std::size_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  bool found = false;
  for (const auto& detail : error.details()) {
    if (detail.name != "position") continue;
    found = true;
    const auto position = std::strtoull(detail.json.c_str(), nullptr, 10);
    require(position >= 1 && position <= characters + 1);
  }
  // Limits on the number of terms of a filter are about the request.
  require(found || !positioned);
  require(error.text().size() < 1000);
}

void run_expression(query::OperatorWord::Kind kind, std::string_view text, query::ParseState& state) {
  query::Predicate predicate;
  const query::Path path{"value"};
  if (!query::parse_expression(state, text, kind, path, 1, predicate)) {
    check_error(state.take_error(), text, true);
    return;
  }
  require(touch(predicate, 1) <= 256);
}

void run_filter(std::string_view text, query::ParseState& state) {
  query::Predicate predicate;
  const bool read = query::parse_filter(state, "c", text, query::Path{"value"}, predicate);
  if (read) {
    require(query::is_filter(text));
    require(touch(predicate, 1) <= 256);
  } else {
    check_error(state.take_error(), text, true);
  }
}

void run_raw(std::string_view text, const query::ParseContext& context) {
  const query::Value value{.kind = query::Value::Kind::string, .text = text};
  const query::JsonMember member{"query", &value};
  query::Value body{.kind = query::Value::Kind::object};
  body.members = {&member, 1};
  const auto raw = query::parse_raw_text(body, context);
  if (!raw) return check_error(raw.error(), text, false);
  require(!raw->text.empty() && raw->text.back() != ';' && raw->text.find('\0') == std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Kind = query::OperatorWord::Kind;
  static const contract::GatewaySettings settings;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  // Every allocation of its own, so that the sanitizer sees each of them.
  std::pmr::unsynchronized_pool_resource pool({.max_blocks_per_chunk = 1, .largest_required_pool_block = 1});
  const query::ParseContext context{pool, settings, 10000};
  query::ParseState state(context);
  switch (data[0] % 5) {
    case 0:
      run_expression(Kind::any_of, text, state);
      break;
    case 1:
      run_expression(Kind::all_of, text, state);
      break;
    case 2:
      run_expression(Kind::negation, text, state);
      break;
    case 3:
      run_filter(text, state);
      break;
    default:
      run_raw(text, context);
  }
  return 0;
}
