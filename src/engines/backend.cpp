#include "engines/backend.h"

namespace athena::engines {

std::string_view name(HealthState state) {
  switch (state) {
    case HealthState::closed:
      return "closed";
    case HealthState::open:
      return "open";
    case HealthState::half_open:
      return "half_open";
    case HealthState::forced_offline:
      return "forced_offline";
    case HealthState::unreachable:
      return "unreachable";
  }
  return "closed";
}

}  // namespace athena::engines
