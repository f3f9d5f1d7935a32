#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace athena::sqlite {

/// A LIKE pattern as PostgreSQL understands it: `%` is any text, `_` one character, `\` takes the next
/// character as it is. Bytes that are not UTF-8 count as one character each and equal only themselves.
class LikePattern {
 public:
  enum class Case : std::uint8_t { sensitive, folded };
  /// Empty when the pattern ends with a lone `\`, as in PostgreSQL.
  static std::optional<LikePattern> compile(std::string_view pattern, Case sensitivity);

  enum class Match : std::uint8_t { no, yes, interrupted };
  /// Time is at most pattern × text, however many `%` there are. `stop` is asked every 65536 comparisons, so
  /// that such a comparison ends with its deadline as well.
  [[nodiscard]] Match matches(std::string_view text, const std::function<bool()>& stop) const;

 private:
  static constexpr std::uint32_t kAnyText = 0x80000000;
  static constexpr std::uint32_t kAnyCharacter = 0x80000001;

  Case case_ = Case::sensitive;
  std::vector<std::uint32_t> units_;  // code points and the two wildcards; `%%` is one
};

}  // namespace athena::sqlite
