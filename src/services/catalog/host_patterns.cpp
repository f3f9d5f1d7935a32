#include "services/catalog/host_patterns.h"

#include <algorithm>
#include <cstddef>

#include "base/ascii.h"

namespace athena::catalog {
namespace {

constexpr std::size_t kLongestLabel = 63;

bool in_label(char c) {
  const char folded = base::lower(c);
  return (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

std::string_view bare_host(std::string_view host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    return end == std::string_view::npos ? std::string_view{} : host.substr(1, end - 1);
  }
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool matches_host_pattern(std::string_view pattern, std::string_view host, std::string_view* label) {
  if (label != nullptr) *label = {};
  if (pattern.ends_with('.')) pattern.remove_suffix(1);
  host = bare_host(host);
  if (host.empty() || pattern.empty()) return false;
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return base::equals_ignoring_case(pattern, host);
  const auto before = pattern.substr(0, star);
  const auto behind = pattern.substr(star + 1);
  if (behind.find('*') != std::string_view::npos) return false;
  // The whole label, so that `db-*` does not give away a part of a name.
  if ((!before.empty() && !before.ends_with('.')) || (!behind.empty() && !behind.starts_with('.'))) {
    return false;
  }
  if (host.size() <= before.size() + behind.size()) return false;
  const auto middle = host.substr(before.size(), host.size() - before.size() - behind.size());
  if (middle.size() > kLongestLabel || !std::ranges::all_of(middle, in_label)) return false;
  if (!base::equals_ignoring_case(host.substr(0, before.size()), before) ||
      !base::equals_ignoring_case(host.substr(host.size() - behind.size()), behind)) {
    return false;
  }
  if (label != nullptr) *label = middle;
  return true;
}

}  // namespace athena::catalog
