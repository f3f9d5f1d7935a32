#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace athena::auth {

/// What a request may do with a table.
enum class Verb : std::uint8_t { read, write, remove };
std::string_view name(Verb verb);  ///< read, write, delete

/// One right that a request needs. Its views are those of the request or static text.
class RequiredRight {
 public:
  /// `gateway.query`, `schema.read` …: a right that is not a table's.
  static RequiredRight fixed(std::string_view text) { return {text, {}, {}, Verb::read, false}; }
  /// Of a table: `{table}.{verb}`, with a schema `{schema}.{table}.{verb}`. Names that are no plain
  /// identifiers, or whose first part means something else (gateway, management …), need `gateway.{verb}`.
  static RequiredRight table(std::string_view schema, std::string_view table, Verb verb);

  /// As it is shown and logged.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool of_table() const { return of_table_; }

 private:
  friend class Rights;
  RequiredRight(std::string_view text, std::string_view schema, std::string_view table, Verb verb,
                bool of_table)
      : text_(text), schema_(schema), table_(table), verb_(verb), of_table_(of_table) {}

  std::string_view text_;  // of a right that is not a table's
  std::string_view schema_, table_;
  Verb verb_;
  bool of_table_;
  bool by_gateway_ = false;  // a table whose names no right can spell
};

/// The rights that a key has: immutable, shared by all keys with the same ones. Any thread.
class Rights {
 public:
  /// Duplicates merge.
  explicit Rights(std::vector<std::string> granted);

  /// Whether some granted right satisfies `required`. Allocates nothing.
  [[nodiscard]] bool cover(const RequiredRight& required) const;
  /// Sorted.
  [[nodiscard]] const std::vector<std::string>& granted() const { return granted_; }

 private:
  [[nodiscard]] bool cover_table(const RequiredRight& required) const;
  [[nodiscard]] bool cover_fixed(std::string_view required) const;

  std::vector<std::string> granted_;
  bool everything_ = false;  // `*`
};

/// `*`, or 1–8 parts of [A-Za-z0-9_$*-] joined by dots, at most 200 characters: what a right may be named.
bool is_right_name(std::string_view text);

}  // namespace athena::auth
