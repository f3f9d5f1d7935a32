#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/error.h"
#include "query/parse.h"

namespace athena::api {

/// Reads the members of an admin route's body. Absent members are nothing; the first mistake is kept, and
/// what is read afterwards does not count. Unknown members are nobody's business.
class BodyMembers {
 public:
  explicit BodyMembers(const query::Value& body) : body_(body) {}

  /// A member of the wrong type is invalid_payload; null is invalid_value, as these can't be cleared.
  std::optional<std::string> text(std::string_view name);
  std::optional<bool> flag(std::string_view name);
  std::optional<std::vector<std::string>> texts(std::string_view name);
  /// The inner nothing is null: clear it.
  std::optional<std::optional<std::string>> nullable_text(std::string_view name);
  /// RFC 3339 with an offset, in milliseconds since 1970.
  std::optional<std::optional<std::int64_t>> nullable_time(std::string_view name);
  /// An object, as compact JSON.
  std::optional<std::string> object(std::string_view name);
  /// The inner nothing is null: clear it.
  std::optional<std::optional<std::string>> nullable_object(std::string_view name);
  [[nodiscard]] bool has(std::string_view name) const { return body_.find(name) != nullptr; }

  [[nodiscard]] const std::optional<contract::Error>& error() const { return error_; }

 private:
  /// The member unless it is absent or null, which is a mistake then.
  const query::Value* present(std::string_view name);
  void wrong_type(std::string_view name, std::string_view expected);
  void fail(contract::Error error) {
    if (!error_) error_ = std::move(error);
  }

  const query::Value& body_;
  std::optional<contract::Error> error_;
};

}  // namespace athena::api
