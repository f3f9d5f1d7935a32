#include "http/router.h"

#include <algorithm>

namespace athena::http {
namespace {

constexpr std::string_view kAlias = "/db";

bool is_parameter(std::string_view segment) {
  return segment.size() >= 2 && segment.front() == '{' && segment.back() == '}';
}

/// The text up to the next `/`; removes it and the slash from `rest`.
std::string_view take_segment(std::string_view& rest) {
  const auto end = rest.find('/');
  const auto segment = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return segment;
}

/// Segments behind the leading slash; a trailing slash makes an empty last one.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  for (;;) {
    const auto end = path.find('/');
    segments.push_back(path.substr(0, end));
    if (end == std::string_view::npos) return segments;
    path.remove_prefix(end + 1);
  }
}

MethodSet with_implied(MethodSet methods) {
  if (methods.has(Method::get)) methods.add(MethodSet(Method::head));
  methods.add(MethodSet(Method::options));
  return methods;
}

/// Fills the parameters of `match` when `path` fits the pattern.
bool fits(const std::vector<std::string_view>& pattern, std::string_view path, RouteMatch& match) {
  if (path.empty() || path.front() != '/') return false;
  if (static_cast<std::size_t>(std::count(path.begin(), path.end(), '/')) != pattern.size()) return false;
  path.remove_prefix(1);
  match.parameter_count = 0;
  for (const auto& expected : pattern) {
    const auto segment = take_segment(path);
    if (!is_parameter(expected)) {
      if (segment != expected) return false;
      continue;
    }
    if (segment.empty()) return false;
    if (match.parameter_count < std::size(match.parameters)) {
      match.parameters[match.parameter_count++] = {expected.substr(1, expected.size() - 2), segment};
    }
  }
  return true;
}

}  // namespace

Router::Router(std::span<const RoutePattern> table) : table_(table) {
  for (std::size_t index = 0; index < table.size(); ++index) {
    const auto& row = table[index];
    Entry* entry = nullptr;
    if (row.path.find('{') == std::string_view::npos) {
      entry = &literals_[std::string(row.path)];
    } else {
      auto segments = split(row.path);
      const auto same = [&](const auto& other) {
        return std::equal(segments.begin(), segments.end(), other.first.begin(), other.first.end(),
                          [](std::string_view a, std::string_view b) {
                            return a == b || (is_parameter(a) && is_parameter(b));
                          });
      };
      auto found = std::find_if(patterns_.begin(), patterns_.end(), same);
      if (found == patterns_.end()) {
        patterns_.emplace_back(std::move(segments), Entry{});
        found = std::prev(patterns_.end());
      }
      entry = &found->second;
    }
    entry->allowed.add(with_implied(row.methods));
    entry->routes.push_back(static_cast<int>(index));
  }
  // Of patterns that fit one path, that with a literal in the first differing segment wins.
  std::sort(patterns_.begin(), patterns_.end(), [](const auto& a, const auto& b) {
    return std::lexicographical_compare(
        a.first.begin(), a.first.end(), b.first.begin(), b.first.end(),
        [](std::string_view x, std::string_view y) { return !is_parameter(x) && is_parameter(y); });
  });
}

RouteMatch Router::select(Method method, const Entry& entry) const {
  RouteMatch match;
  match.allowed = entry.allowed;
  match.outcome = RouteMatch::Outcome::wrong_method;
  for (const int route : entry.routes) {
    const auto& methods = table_[static_cast<std::size_t>(route)].methods;
    if (methods.has(method) || (method == Method::head && methods.has(Method::get))) {
      match.outcome = RouteMatch::Outcome::matched;
      match.route = route;
      return match;
    }
  }
  return match;
}

RouteMatch Router::find_exact(Method method, std::string_view path) const {
  if (const auto literal = literals_.find(path); literal != literals_.end()) {
    return select(method, literal->second);
  }
  RouteMatch parameters;
  for (const auto& [pattern, entry] : patterns_) {
    if (!fits(pattern, path, parameters)) continue;
    auto match = select(method, entry);
    std::copy(std::begin(parameters.parameters), std::end(parameters.parameters),
              std::begin(match.parameters));
    match.parameter_count = parameters.parameter_count;
    return match;
  }
  return {};
}

RouteMatch Router::find(Method method, std::string_view path) const {
  auto match = find_exact(method, path);
  if (match.outcome == RouteMatch::Outcome::unknown_path && path == kAlias) return find_exact(method, "/");
  if (match.outcome != RouteMatch::Outcome::unknown_path || !path.starts_with("/db/")) return match;
  const auto rest = path.substr(kAlias.size());
  match = find_exact(method, rest);
  if (match.outcome == RouteMatch::Outcome::matched) return match;
  // `/db/fetch` is `/gateway/fetch`; the short text stays within the small-string buffer for nearly all
  // names. A path may be both: GET `/db/data` is `/data`, POST is `/gateway/data`.
  auto gateway = find_exact(method, std::string("/gateway").append(rest));
  if (gateway.outcome == RouteMatch::Outcome::unknown_path) return match;
  if (gateway.outcome == RouteMatch::Outcome::wrong_method) gateway.allowed.add(match.allowed);
  return gateway;
}

std::string allow_header(MethodSet methods) {
  std::string text;
  for (auto bit = static_cast<unsigned>(Method::get); bit <= static_cast<unsigned>(Method::options); ++bit) {
    const auto method = static_cast<Method>(bit);
    if (!methods.has(method)) continue;
    if (!text.empty()) text += ", ";
    text += name(method);
  }
  return text;
}

}  // namespace athena::http
