#pragma once

#include <vector>

#include "api/call.h"
#include "api/query_string.h"

namespace athena::api {

/// The parameters of the request's URL as the parser takes them. Views into `parameters`.
inline std::vector<query::UrlParameter> url_parameters(const QueryString& parameters) {
  std::vector<query::UrlParameter> result;
  result.reserve(parameters.pairs().size());
  for (const auto& [name, value] : parameters.pairs()) result.push_back({name, value});
  return result;
}

}  // namespace athena::api
