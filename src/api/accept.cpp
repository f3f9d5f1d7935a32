#include "api/accept.h"

#include "http/message.h"

namespace athena::api {
namespace {

using http::equals_ignoring_case;

struct Offer {
  Format format;
  std::string_view type;
  std::string_view subtype;
  int specificity = -1;  // of the range that decided: 0 */*, 1 type/*, 2 type/subtype
  int quality = 0;       // thousandths
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Cuts the text up to `separator` off `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return trimmed(part);
}

/// `0.25` → 250; text that is no q-value counts as 0.
int thousandths(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 0;
  if (text.size() > 1 && text[1] != '.') return 0;
  int value = (text[0] - '0') * 1000;
  int weight = 100;
  for (const char digit : text.substr(text.size() > 1 ? 2 : 1)) {
    if (digit < '0' || digit > '9') return 0;
    value += (digit - '0') * weight;
    weight /= 10;
  }
  return value <= 1000 ? value : 0;
}

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
      if (equals_ignoring_case(name, "q")) quality = thousandths(trimmed(value));
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
