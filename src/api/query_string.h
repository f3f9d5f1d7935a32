#pragma once

#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/error.h"

namespace athena::api {

/// The parameters of a URL query, percent-decoded. Invalid escapes or text that is not UTF-8: invalid_value.
class QueryString {
 public:
  QueryString() = default;
  static contract::Result<QueryString> parse(std::string_view query);
  /// All of them in order, empty values included.
  [[nodiscard]] std::span<const std::pair<std::string, std::string>> pairs() const { return pairs_; }
  /// The first non-empty value of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// A whole number within the bounds, or `fallback` when absent; invalid_value naming the parameter
  /// otherwise.
  [[nodiscard]] contract::Result<std::int64_t> integer(std::string_view name, std::int64_t fallback,
                                                       std::int64_t minimum, std::int64_t maximum) const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// `%41` → `A`; nothing when an escape is broken.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace athena::api
