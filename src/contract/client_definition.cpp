#include "contract/client_definition.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace athena::contract {
namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

constexpr std::array<std::string_view, 4> kReserved{"direct", "unknown", "custom_supabase", "statistics"};

}  // namespace

std::string_view name(Lifecycle lifecycle) {
  switch (lifecycle) {
    case Lifecycle::active:
      return "active";
    case Lifecycle::frozen:
      return "frozen";
    case Lifecycle::inactive:
      return "inactive";
  }
  return "inactive";
}

std::string client_key(std::string_view name) {
  while (!name.empty() && (name.front() == ' ' || name.front() == '\t')) name.remove_prefix(1);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
  return base::lower_case(name);
}

Result<void> check_client_name(std::string_view name) {
  const bool form = !name.empty() && name.size() <= 64 && is_alphanumeric(name.front()) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
                    });
  if (!form) {
    return Error(ErrorCode::invalid_identifier,
                 "A client name has 1 to 64 characters [A-Za-z0-9_.-] and begins with a letter or digit.");
  }
  if (std::find(kReserved.begin(), kReserved.end(), client_key(name)) != kReserved.end()) {
    return Error(ErrorCode::invalid_identifier, "The client name \"" + std::string(name) + "\" is reserved.");
  }
  return {};
}

}  // namespace athena::contract
