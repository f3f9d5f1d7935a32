#include "services/auth/rights.h"

#include <algorithm>
#include <array>

namespace athena::auth {
namespace {

constexpr std::array<std::string_view, 6> kReserved{"gateway", "management", "schema",
                                                    "admin",   "storage",    "cdc"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_plain_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c); });
}

/// The part before the next dot, taken off `rest`; true when there was one.
bool next_part(std::string_view& rest, std::string_view& part) {
  if (rest.data() == nullptr) return false;
  const auto dot = rest.find('.');
  part = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
  return true;
}

/// Rule 2: as many parts, each of them equal or `*`.
template <std::size_t N>
bool fits(std::string_view granted, const std::array<std::string_view, N>& required) {
  std::string_view part;
  for (const auto& wanted : required) {
    if (!next_part(granted, part)) return false;
    if (part != "*" && part != wanted) return false;
  }
  return granted.data() == nullptr;
}

}  // namespace

std::string_view name(Verb verb) {
  static constexpr std::array<std::string_view, 3> kNames{"read", "write", "delete"};
  return kNames[static_cast<std::size_t>(verb)];
}

RequiredRight RequiredRight::table(std::string_view schema, std::string_view table, Verb verb) {
  RequiredRight right({}, schema, table, verb, true);
  const auto first = schema.empty() ? table : schema;
  right.by_gateway_ = !is_plain_name(table) || (!schema.empty() && !is_plain_name(schema)) ||
                      std::ranges::find(kReserved, first) != kReserved.end();
  return right;
}

std::string RequiredRight::text() const {
  if (!of_table_) return std::string(text_);
  std::string result;
  if (by_gateway_) {
    result = "gateway";
  } else {
    if (!schema_.empty()) result.append(schema_).push_back('.');
    result.append(table_);
  }
  result.push_back('.');
  result.append(name(verb_));
  return result;
}

Rights::Rights(std::vector<std::string> granted) : granted_(std::move(granted)) {
  std::ranges::sort(granted_);
  const auto again = std::ranges::unique(granted_);
  granted_.erase(again.begin(), again.end());
  granted_.shrink_to_fit();
  everything_ = std::ranges::binary_search(granted_, std::string_view("*"));
}

bool Rights::cover(const RequiredRight& required) const {
  if (everything_) return true;
  return required.of_table_ ? cover_table(required) : cover_fixed(required.text_);
}

bool Rights::cover_table(const RequiredRight& required) const {
  const auto verb = name(required.verb_);
  for (const std::string_view granted : granted_) {
    if (granted.starts_with("gateway.")) {
      const auto rest = granted.substr(8);
      if (rest == "*" || rest == verb) return true;
    }
    if (required.by_gateway_) {
      // `*.read` is for tables without a schema, so it is not for one in a schema that it could not spell.
      if (required.schema_.empty() && fits<2>(granted, {"gateway", verb})) return true;
    } else if (required.schema_.empty()) {
      if (fits<2>(granted, {required.table_, verb})) return true;
    } else if (fits<3>(granted, {required.schema_, required.table_, verb})) {
      return true;
    }
  }
  return false;
}

bool Rights::cover_fixed(std::string_view required) const {
  return std::ranges::any_of(granted_, [required](std::string_view granted) {
    if (granted == required) return true;
    if (granted.ends_with(".*") && required.starts_with(granted.substr(0, granted.size() - 1))) return true;
    return required == "schema.read" && (granted == "gateway.read" || granted == "gateway.*");
  });
}

bool is_right_name(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  std::size_t parts = 0;
  std::string_view part;
  while (next_part(text, part)) {
    if (++parts > 8 || part.empty()) return false;
    const bool allowed = std::ranges::all_of(
        part, [](char c) { return is_letter(c) || is_digit(c) || c == '$' || c == '*' || c == '-'; });
    if (!allowed) return false;
  }
  return true;
}

}  // namespace athena::auth
