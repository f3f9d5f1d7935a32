#include "base/json_validator.h"

#include <cstdint>

#include "base/json_limits.h"

// The parser's default of 4 KiB would stand in the stack frame of every nesting level.
#define BOOST_JSON_STACK_BUFFER_SIZE 512
#include <boost/json/basic_parser_impl.hpp>

namespace athena::base {
namespace {

namespace json = boost::json;

/// Takes every event of the parser and keeps none.
struct Ignore {
  static constexpr std::size_t max_object_size = UINT32_MAX;
  static constexpr std::size_t max_array_size = UINT32_MAX;
  static constexpr std::size_t max_key_size = UINT32_MAX;
  static constexpr std::size_t max_string_size = UINT32_MAX;

  using Text = json::string_view;
  using Code = json::error_code;
  bool on_document_begin(Code& /*unused*/) { return true; }
  bool on_document_end(Code& /*unused*/) { return true; }
  bool on_object_begin(Code& /*unused*/) { return true; }
  bool on_object_end(std::size_t /*unused*/, Code& /*unused*/) { return true; }
  bool on_array_begin(Code& /*unused*/) { return true; }
  bool on_array_end(std::size_t /*unused*/, Code& /*unused*/) { return true; }
  bool on_key_part(Text /*unused*/, std::size_t /*unused*/, Code& /*unused*/) { return true; }
  bool on_key(Text /*unused*/, std::size_t /*unused*/, Code& /*unused*/) { return true; }
  bool on_string_part(Text /*unused*/, std::size_t /*unused*/, Code& /*unused*/) { return true; }
  bool on_string(Text /*unused*/, std::size_t /*unused*/, Code& /*unused*/) { return true; }
  bool on_number_part(Text /*unused*/, Code& /*unused*/) { return true; }
  bool on_int64(std::int64_t /*unused*/, Text /*unused*/, Code& /*unused*/) { return true; }
  bool on_uint64(std::uint64_t /*unused*/, Text /*unused*/, Code& /*unused*/) { return true; }
  bool on_double(double /*unused*/, Text /*unused*/, Code& /*unused*/) { return true; }
  bool on_bool(bool /*unused*/, Code& /*unused*/) { return true; }
  bool on_null(Code& /*unused*/) { return true; }
  bool on_comment_part(Text /*unused*/, Code& /*unused*/) { return true; }
  bool on_comment(Text /*unused*/, Code& /*unused*/) { return true; }
};

}  // namespace

bool is_json(std::string_view text) {
  if (text.size() >= UINT32_MAX) return false;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::basic_parser<Ignore> parser(options);
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  return !error && used == text.size();
}

}  // namespace athena::base
