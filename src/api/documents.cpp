#include "api/embedded.h"
#include "api/entity_tag.h"
#include "api/handlers.h"

namespace athena::api {
namespace {

/// A document of the program. It may be stored, but is asked for anew each time, so that nobody reads that of
/// an older version.
void send(Call& call, std::string_view text, std::string_view content_type, std::string_view tag) {
  auto& response = call.exchange.response();
  response.cache_control = "public, no-cache";
  response.add_header("ETag", tag);
  if (has_current(call.request(), tag)) {
    response.status = 304;
    return;
  }
  response.content_type = content_type;
  response.body.append(text);
}

constexpr std::string_view kYaml = "application/yaml; charset=utf-8";

}  // namespace

void openapi(Call& call) {
  static const auto tag = weak_entity_tag(embedded::openapi());
  send(call, embedded::openapi(), kYaml, tag);
}

void openapi_wss(Call& call) {
  static const auto tag = weak_entity_tag(embedded::openapi_wss());
  send(call, embedded::openapi_wss(), kYaml, tag);
}

void docs_page(Call& call) {
  static const auto tag = weak_entity_tag(embedded::docs_page());
  auto& response = call.exchange.response();
  response.add_header("Content-Security-Policy", embedded::docs_policy());
  response.add_header("Referrer-Policy", "no-referrer");
  send(call, embedded::docs_page(), "text/html; charset=utf-8", tag);
}

void docs_redirect(Call& call) {
  auto& response = call.exchange.response();
  response.status = 308;
  response.content_type = {};
  response.add_header("Location", call.api().docs_url);
}

}  // namespace athena::api
