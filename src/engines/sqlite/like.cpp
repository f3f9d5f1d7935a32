#include "engines/sqlite/like.h"

#include "engines/sqlite/case_fold.h"

namespace athena::sqlite {
namespace {

constexpr std::uint32_t kInvalidByte = 0x110000;  // behind the last code point

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// The character at `at`, which moves behind it.
std::uint32_t next_character(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return text[at++] & 0x7F;
  const std::size_t length = first >= 0xF0 && first < 0xF8 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 1;
  if (length > 1 && first < 0xF8 && at + length <= text.size()) {
    std::uint32_t character = first & (0x7FU >> length);
    std::size_t i = 1;
    for (; i < length && continues(text[at + i]); ++i) {
      character = (character << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
    }
    if (i == length) {
      at += length;
      return character;
    }
  }
  ++at;
  return kInvalidByte + first;
}

}  // namespace

std::optional<LikePattern> LikePattern::compile(std::string_view pattern, Case sensitivity) {
  LikePattern compiled;
  compiled.case_ = sensitivity;
  compiled.units_.reserve(pattern.size());
  for (std::size_t at = 0; at < pattern.size();) {
    std::uint32_t unit = next_character(pattern, at);
    if (unit == '%') {
      if (compiled.units_.empty() || compiled.units_.back() != kAnyText) compiled.units_.push_back(kAnyText);
      continue;
    }
    if (unit == '_') {
      compiled.units_.push_back(kAnyCharacter);
      continue;
    }
    if (unit == '\\') {
      if (at == pattern.size()) return std::nullopt;
      unit = next_character(pattern, at);
    }
    compiled.units_.push_back(sensitivity == Case::folded ? fold_case(unit) : unit);
  }
  return compiled;
}

LikePattern::Match LikePattern::matches(std::string_view text, const std::function<bool()>& stop) const {
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t unit = 0;
  std::size_t at = 0;
  // Where to go on after a mismatch: behind the last `%`, one character further. Earlier ones never need to
  // grow again.
  std::size_t retry_unit = kNone;
  std::size_t retry_at = 0;
  std::uint32_t steps = 0;
  while (at < text.size()) {
    if ((++steps & 0xFFFFU) == 0 && stop && stop()) return Match::interrupted;
    if (unit < units_.size() && units_[unit] == kAnyText) {
      if (++unit == units_.size()) return Match::yes;
      retry_unit = unit;
      retry_at = at;
      continue;
    }
    if (unit < units_.size()) {
      std::size_t behind = at;
      std::uint32_t character = next_character(text, behind);
      if (case_ == Case::folded) character = fold_case(character);
      if (units_[unit] == kAnyCharacter || units_[unit] == character) {
        at = behind;
        ++unit;
        continue;
      }
    }
    if (retry_unit == kNone) return Match::no;
    (void)next_character(text, retry_at);
    at = retry_at;
    unit = retry_unit;
  }
  while (unit < units_.size() && units_[unit] == kAnyText) ++unit;
  return unit == units_.size() ? Match::yes : Match::no;
}

}  // namespace athena::sqlite
