#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace athena::app {

struct ClientRequest {
  std::string method = "GET";
  std::string url;  ///< http:// or https://
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::chrono::milliseconds timeout{30000};
};

struct ClientResponse {
  long status = 0;
  std::string body;
};

/// One HTTP request of a command. Redirects are not followed, and neither proxies nor credentials are taken
/// from the environment or from files. At most 256 MiB of reply. The error has no part of the URL. Blocks.
base::Result<ClientResponse, std::string> send_http(const ClientRequest& request);

}  // namespace athena::app
