#include "api/entity_tag.h"

#include <span>

#include "base/crypto.h"

namespace athena::api {
namespace {

std::string_view opaque(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return tag;
}

/// Takes the next tag from a list `W/"a", "b"`; empty at its end, or where the list is none.
std::string_view take_tag(std::string_view& list) {
  while (!list.empty() && (list.front() == ' ' || list.front() == '\t' || list.front() == ','))
    list.remove_prefix(1);
  const std::size_t quote = list.starts_with("W/") ? 2 : 0;
  if (list.size() <= quote || list[quote] != '"') return {};
  const auto end = list.find('"', quote + 1);
  if (end == std::string_view::npos) return {};
  const auto tag = list.substr(0, end + 1);
  list.remove_prefix(end + 1);
  return tag;
}

}  // namespace

std::string weak_entity_tag(std::string_view text) {
  const auto digest = base::sha256(text);
  return "W/\"" + base::to_hex(std::span(digest).first(16)) + "\"";
}

bool has_current(const http::Request& request, std::string_view tag) {
  for (const auto& header : request.headers) {
    if (!http::equals_ignoring_case(header.name, "If-None-Match")) continue;
    auto list = header.value;
    if (list == "*") return true;
    for (auto named = take_tag(list); !named.empty(); named = take_tag(list)) {
      if (opaque(named) == opaque(tag)) return true;
    }
  }
  return false;
}

}  // namespace athena::api
