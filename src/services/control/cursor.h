#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace athena::control {

/// Where the next page of a list begins, as a text that only gateways of this store can have made: signed
/// with athena_settings.cursor_key, so that every instance reads every other's.
class Cursors {
 public:
  /// Until the key was read from the store there are no cursors.
  Cursors() = default;
  explicit Cursors(std::string key) : key_(std::move(key)) {}
  [[nodiscard]] bool ready() const { return !key_.empty(); }

  /// `list` names the list, and what else a page depends on; a cursor of one is none of another. URL-safe.
  [[nodiscard]] std::string sign(std::string_view list, std::string_view place) const;
  /// The place; nothing for a text that sign() of this key and list did not give.
  [[nodiscard]] std::optional<std::string> verify(std::string_view list, std::string_view cursor) const;

 private:
  [[nodiscard]] std::string mac(std::string_view list, std::string_view place) const;
  std::string key_;
};

}  // namespace athena::control
