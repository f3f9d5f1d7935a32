#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"

namespace athena::api {

/// `meta` of a success.
struct Meta {
  std::int64_t returned_row_count = 0;
  bool truncated = false;
  std::optional<std::int64_t> next_offset;
  std::string_view engine;
  int attempts = 1;
  const std::vector<std::string>* sql = nullptr;
};

/// Appends `"meta":{…}`, with duration_ms up to now.
void append_meta(base::Buffer& out, const Call& call, const Meta& meta);
/// `Fetched 1 row`, `Fetched 2 rows`.
std::string counted(std::string_view verb, std::int64_t count, std::string_view noun);

/// Connects the request to its caller's leaving for as long as it lives.
class CallerWatch {
 public:
  explicit CallerWatch(http::Exchange& exchange) : exchange_(exchange) {
    exchange_.on_client_gone([this] { cancellation_.request(); });
  }
  ~CallerWatch() { exchange_.on_client_gone({}); }
  CallerWatch(const CallerWatch&) = delete;
  CallerWatch& operator=(const CallerWatch&) = delete;
  [[nodiscard]] engines::Cancellation& cancellation() { return cancellation_; }

 private:
  http::Exchange& exchange_;
  engines::Cancellation cancellation_;
};

}  // namespace athena::api
