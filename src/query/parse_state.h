#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "query/parse.h"

// Inside of the parser only; users include query/parse.h.

namespace athena::query {

/// Where a value stands in the body: `conditions[2].column`. Lives on the stack of the parser; its text is
/// made for errors.
struct Path {
  std::string_view name;  ///< a member; empty = an item of the parent, which is an array
  const Path* parent = nullptr;
  std::size_t index = 0;

  [[nodiscard]] Path member(std::string_view member_name) const { return {member_name, this, 0}; }
  [[nodiscard]] Path item(std::size_t item_index) const { return {{}, this, item_index}; }
  [[nodiscard]] std::string text() const;
};

/// What the parts of the parser share. They return false after a failure, which is kept here; the first one
/// counts.
class ParseState {
 public:
  explicit ParseState(const ParseContext& context) : context_(context) {}
  ParseState(const ParseState&) = delete;
  ParseState& operator=(const ParseState&) = delete;

  [[nodiscard]] const contract::GatewaySettings& settings() const { return context_.settings; }
  [[nodiscard]] std::pmr::memory_resource& memory() const { return context_.memory; }
  [[nodiscard]] std::int64_t max_rows() const { return context_.max_rows; }
  [[nodiscard]] bool stream() const { return context_.stream; }
  [[nodiscard]] contract::Error take_error() { return *std::move(error_); }

  bool fail(contract::Error error) {
    if (!error_) error_ = std::move(error);
    return false;
  }
  /// `code` with `details.member`. The sentence is the path followed by `rest`: `limit` + ` must be …`.
  bool refuse(contract::ErrorCode code, const Path& path, std::string_view rest);
  /// invalid_payload: "<path> must be <expected>."
  bool wrong_type(const Path& path, std::string_view expected);
  /// missing_field: "Missing <path>"
  bool missing(const Path& path);
  /// capability_not_supported with `requires`.
  bool unsupported(const Path& path, std::string_view feature);
  /// limit_too_large with `limit` and `max`.
  bool too_large(const Path& path, std::string_view what, std::uint64_t given, std::int64_t max);

  /// Adds where in a text the failure lies: its 1-based character.
  bool at_position(std::int64_t position) {
    if (error_) error_->with("position", position);
    return false;
  }

  /// A copy in the arena.
  std::string_view keep(std::string_view text);
  template <class T>
  T* allocate(std::size_t count) {
    return static_cast<T*>(memory().allocate(count * sizeof(T), alignof(T)));
  }

  /// 1 to 63 bytes, no control characters; else invalid_identifier.
  bool check_identifier(std::string_view name, const Path& path);
  /// The name of a column as the database is asked for it: snake case where that is configured.
  [[nodiscard]] std::string_view column_name(std::string_view name) const {
    return settings().force_camel_case_to_snake_case ? to_snake_case(name, memory()) : name;
  }
  /// Counts a term against gateway.max_conditions.
  bool count_term(const Path& path);

 private:
  const ParseContext& context_;
  std::int64_t terms_ = 0;
  std::optional<contract::Error> error_;
};

/// Text of the caller for an error: quoted, and cut where it is longer than any name can be.
std::string shown(std::string_view text);
/// Without the spaces, tabs and line breaks around it.
std::string_view trimmed(std::string_view text);
/// Cuts the first part off `text` at the next comma; false when nothing is left.
class CommaList {
 public:
  explicit CommaList(std::string_view text) : rest_(text) {}
  bool next(std::string_view& part) {
    if (done_) return false;
    const std::size_t comma = rest_.find(',');
    part = trimmed(rest_.substr(0, comma));
    done_ = comma == std::string_view::npos;
    if (!done_) rest_.remove_prefix(comma + 1);
    return true;
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

}  // namespace athena::query
