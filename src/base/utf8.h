#pragma once

#include <cstddef>
#include <string_view>

namespace athena::base {

struct Utf8Sequence {
  std::size_t
      length;  ///< bytes of the character; of a broken one its longest part that could have begun a character
  bool valid;
};

/// The UTF-8 sequence at the start of `text`, which is not empty. Overlong forms, surrogates and values
/// beyond U+10FFFF are broken.
inline Utf8Sequence utf8_sequence(std::string_view text) {
  const auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, true};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte alone decides about overlong forms, surrogates and the upper end.
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

/// Whether the whole text is valid UTF-8.
inline bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Sequence sequence = utf8_sequence(text);
    if (!sequence.valid) return false;
    text.remove_prefix(sequence.length);
  }
  return true;
}

}  // namespace athena::base
