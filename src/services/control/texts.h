#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/control/session.h"

namespace athena::control {

// Small things that the repositories share.

/// `$2, $3, $4` for first = 2 and count = 3.
std::string placeholders(std::size_t first, std::size_t count);
/// Text of a cell; nothing for null.
std::optional<std::string> optional_text(const Value& value);
/// The other way round.
Value value_of(const std::optional<std::string>& text);
/// Without blanks, tabs and line ends around it.
std::string trimmed_text(std::string_view text);
/// Characters (not bytes) of UTF-8.
std::size_t characters(std::string_view text);
/// A random uuid; and one in the form in which stores keep them.
std::string new_uuid();
std::string lower_uuid(std::string_view uuid);
/// In quotes, for sentences.
std::string in_quotes(std::string_view text);

/// A WHERE clause that grows, with its parameters.
class Conditions {
 public:
  /// A condition without parameter.
  void add(std::string_view condition);
  /// `expression` is completed by the parameter: `id < `.
  void add(std::string_view expression, Value value);
  /// The column contains the text, in any case.
  void add_contains(std::string_view column, std::string_view text);
  /// The column begins with the text.
  void add_prefix(std::string_view column, std::string_view text);
  /// ` WHERE …`, or nothing.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  std::string text_;
  Values values_;
};

}  // namespace athena::control
