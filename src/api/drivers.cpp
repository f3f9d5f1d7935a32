#include "api/drivers.h"

#include <algorithm>
#include <optional>
#include <string>

#include "http/message.h"

namespace athena::api {
namespace {

using contract::Capability;
using contract::Engine;
using contract::Error;
using contract::ErrorCode;

struct Driver {
  std::string_view name;
  std::optional<Engine> engine;  ///< none: any
};

constexpr Driver kDrivers[] = {
    {"postgresql", Engine::postgresql}, {"postgres", Engine::postgresql}, {"neon", Engine::postgresql},
    {"supabase", Engine::supabase},     {"sqlite", Engine::sqlite},       {"d1", Engine::d1},
    {"cloudflare-d1", Engine::d1},      {"athena-d1", Engine::d1},        {"athena", Engine::scylla},
    {"scylla", Engine::scylla},         {"cassandra", Engine::scylla},    {"native", std::nullopt},
    {"postgrest", Engine::postgrest},
};

const Driver* find(std::string_view name) {
  const auto* const found = std::ranges::find_if(
      kDrivers, [name](const Driver& driver) { return http::equals_ignoring_case(driver.name, name); });
  return found == std::end(kDrivers) ? nullptr : found;
}

Error refused(std::string text) {
  text += " Accepted are ";
  for (const auto& driver : kDrivers) {
    if (&driver != kDrivers) text += &driver == std::end(kDrivers) - 1 ? " and " : ", ";
    text += driver.name;
  }
  return Error(ErrorCode::invalid_driver, text + ".").with("member", "driver");
}

}  // namespace

contract::Result<void> check_driver_name(std::string_view driver) {
  if (find(driver) != nullptr) return {};
  return refused("The driver \"" + std::string(driver.substr(0, 64)) + "\" is unknown.");
}

contract::Result<Capability> check_driver(std::string_view driver, Engine engine) {
  const Driver* found = find(driver);
  if (found == nullptr) return check_driver_name(driver).error();
  if (found->engine && *found->engine != engine) {
    return refused("The driver " + std::string(found->name) + " is not one of the client's engine, " +
                   std::string(contract::name(engine)) + ".");
  }
  return engine == Engine::scylla ? Capability::raw_cql : Capability::raw_sql;
}

bool takes_raw_text(std::string_view driver) {
  return !http::equals_ignoring_case(driver, "postgrest");
}

}  // namespace athena::api
