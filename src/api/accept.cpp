#include "api/accept.h"

#include "http/header_list.h"
#include "http/message.h"

namespace athena::api {
namespace {

using http::equals_ignoring_case;
using http::next_part;
using http::trimmed;

struct Offer {
  Format format;
  std::string_view type;
  std::string_view subtype;
  int specificity = -1;  // of the range that decided: 0 */*, 1 type/*, 2 type/subtype
  int quality = 0;       // thousandths
};

}  // namespace

std::string_view media_type(Format format) {
  switch (format) {
    case Format::csv:
      return "text/csv; charset=utf-8";
    case Format::ndjson:
      return "application/x-ndjson";
    case Format::json:
      break;
  }
  return "application/json; charset=utf-8";
}

Format accepted_format(std::string_view accept) {
  Offer offers[] = {{Format::json, "application", "json"},
                    {Format::ndjson, "application", "x-ndjson"},
                    {Format::csv, "text", "csv"}};
  while (!accept.empty()) {
    auto parameters = next_part(accept, ',');
    auto range = next_part(parameters, ';');
    int quality = 1000;
    while (!parameters.empty()) {
      auto value = next_part(parameters, ';');
      const auto name = next_part(value, '=');
      if (equals_ignoring_case(name, "q")) quality = http::thousandths(trimmed(value));
    }
    const auto type = next_part(range, '/');
    const auto subtype = trimmed(range);
    for (auto& offer : offers) {
      int specificity = -1;
      if (type == "*" && subtype == "*") {
        specificity = 0;
      } else if (equals_ignoring_case(type, offer.type)) {
        specificity = subtype == "*" ? 1 : equals_ignoring_case(subtype, offer.subtype) ? 2 : -1;
      }
      if (specificity <= offer.specificity) continue;
      offer.specificity = specificity;
      offer.quality = quality;
    }
  }
  const Offer* best = &offers[0];
  for (const auto& offer : offers) {
    if (offer.quality > best->quality) best = &offer;
  }
  return best->format;
}

}  // namespace athena::api
