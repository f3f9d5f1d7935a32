#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/result.h"

namespace athena::base {

struct JsonMember;

/// One value of a parsed document. Numbers keep their digits: `text` holds them as written. All memory
/// belongs to the resource given to parse_json; nodes are immutable afterwards.
struct JsonNode {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

  Kind kind = Kind::null;
  bool boolean = false;
  std::string_view text = {};                   ///< number: digits as written; string: decoded UTF-8
  std::span<const JsonNode* const> items = {};  ///< array
  std::span<const JsonMember> members = {};  ///< object, in order; of a repeated name only the last is kept

  [[nodiscard]] bool is_null() const { return kind == Kind::null; }
  [[nodiscard]] bool is_string() const { return kind == Kind::string; }
  [[nodiscard]] bool is_number() const { return kind == Kind::number; }
  [[nodiscard]] bool is_boolean() const { return kind == Kind::boolean; }
  [[nodiscard]] bool is_array() const { return kind == Kind::array; }
  [[nodiscard]] bool is_object() const { return kind == Kind::object; }
  /// The member of that name, or null.
  [[nodiscard]] const JsonNode* find(std::string_view name) const;
  /// Same, but an explicit JSON null counts as absent.
  [[nodiscard]] const JsonNode* find_present(std::string_view name) const;
};

struct JsonMember {
  std::string_view name;
  const JsonNode* value;
};

struct JsonError {
  std::size_t position;  ///< 1-based character (not byte) of the document
  std::size_t line;      ///< 1-based
  std::size_t column;    ///< 1-based, in characters
  std::string message;
};

/// Parses a whole document: UTF-8, a leading byte-order mark is skipped, nesting up to 64, lone surrogates
/// and invalid UTF-8 are errors, and so is anything behind the value. `text` may be split across no buffers:
/// one view, which must outlive the nodes when `text` needs no decoding (strings without escapes are views
/// into it). Time is linear; memory is a small multiple of the text. Runs on any thread.
Result<const JsonNode*, JsonError> parse_json(std::string_view text, std::pmr::memory_resource& memory);

/// Moves the members whose name does not come again further back to the front, in order, and says how many
/// they are: of a repeated name the last counts. Linear in the number of members, also for names chosen to
/// harm.
std::size_t keep_last_members(std::span<JsonMember> members);

/// Writes a node back as compact JSON; numbers with the digits they came with.
void append_json(Buffer& out, const JsonNode& node);

}  // namespace athena::base
