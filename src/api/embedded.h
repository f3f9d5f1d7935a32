#pragma once

#include <string_view>

namespace athena::api::embedded {

/// Files that the build put into the program (cmake/documents.cmake).
std::string_view openapi();      ///< openapi/openapi.yaml
std::string_view openapi_wss();  ///< openapi/openapi-wss.yaml
std::string_view docs_page();    ///< the HTML page that tools/docs_page.py makes of it
std::string_view
docs_policy();  ///< the Content-Security-Policy with the hashes of that page's script and style

}  // namespace athena::api::embedded
