#include <algorithm>
#include <array>
#include <string>

#include "api/admin_handlers.h"
#include "api/json_builder.h"
#include "services/auth/rights.h"
#include "services/control/rights.h"

namespace athena::api {
namespace {

using auth::RequiredRight;
using auth::Verb;

constexpr std::array<std::string_view, 6> kPatterns{"{table}.read",           "{table}.write",
                                                    "{table}.delete",         "{schema}.{table}.read",
                                                    "{schema}.{table}.write", "{schema}.{table}.delete"};
constexpr std::array<std::string_view, 5> kMatching{
    "A granted right satisfies the same right, and * satisfies all.",
    "{table}.{verb} and {schema}.{table}.{verb}: a granted right of as many parts satisfies it when each "
    "part is "
    "the same or *.",
    "gateway.{verb} and gateway.* satisfy that verb on every table; a table whose names are no plain "
    "identifiers needs one of them.",
    "Other rights: a granted right that ends in .* satisfies those that begin with what stands before the *.",
    "schema.read is satisfied by gateway.read and gateway.* too."};
constexpr std::array<http::Method, 5> kMethods{http::Method::get, http::Method::post, http::Method::put,
                                               http::Method::patch, http::Method::delete_};

/// Whether somebody who is granted `rights` gets past that entry of a route's rights.
bool satisfies(const auth::Rights& rights, std::string_view needed) {
  if (!needed.starts_with("{table}.")) return rights.cover(RequiredRight::fixed(needed));
  needed.remove_prefix(8);
  for (const auto verb : {Verb::read, Verb::write, Verb::remove}) {
    if (needed == name(verb)) return rights.cover(RequiredRight::table("", "t", verb));
  }
  return false;
}

bool opens(const auth::Rights& rights, std::string_view granted, const Route& route) {
  if (route.right.empty()) return false;
  if (granted == "gateway.direct") return !route.operation.empty();  // beside the right of the route
  std::string_view rest = route.right;
  while (!rest.empty()) {
    const auto end = rest.find(' ');
    if (satisfies(rights, rest.substr(0, end))) return true;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return false;
}

void append_routes(JsonBuilder& json, std::string_view granted) {
  const auth::Rights rights({std::string(granted)});
  json.key("routes").begin_array();
  for (const auto& route : route_table()) {
    if (!opens(rights, granted, route)) continue;
    for (const auto method : kMethods) {
      if (!route.methods.has(method)) continue;
      json.value(std::string(http::name(method)) + ' ' + std::string(route.path));
    }
  }
  json.end_array();
}

}  // namespace

void rights_catalog(Call& call) {
  JsonBuilder json(call.exchange.response().body);
  json.begin_object().member("status", "success").member("message", "Listed rights and their routes");
  json.key("data").begin_object().key("rights").begin_array();
  for (const auto& right : control::built_in_rights()) {
    json.begin_object().member("name", right.name).member("description", right.description);
    json.member("kind", right.name.find('*') == std::string_view::npos ? "fixed" : "wildcard");
    append_routes(json, right.name);
    json.end_object();
  }
  json.end_array().key("patterns").begin_array();
  for (const auto pattern : kPatterns) json.value(pattern);
  json.end_array().key("matching").begin_array();
  for (const auto rule : kMatching) json.value(rule);
  json.end_array().end_object().end_object();
}

}  // namespace athena::api
