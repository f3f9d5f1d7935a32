#pragma once

#include <cstdint>
#include <optional>
#include <span>
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
  std::span<const std::string> notices;
  struct Raw {
    std::int64_t rows_affected = 0;
    int statement_count = 0;
    std::string_view backend;
  };
  std::optional<Raw> raw;  ///< raw SQL only
};

/// truncated, attempts, notices of an operation that has ended well.
Meta meta_of(const query::Summary& summary, std::string_view engine);
/// First row that was not returned, when more may follow: the result was cut, or the caller's own limit was
/// reached exactly.
std::optional<std::int64_t> next_offset(const query::Page& page, const query::Summary& summary);
/// Milliseconds since the head of the request, as JSON.
void append_duration(base::Buffer& out, const Call& call);

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
