#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace athena::postgres {

/// Keeps what the database said as `NOTICE: …`: at most 10 texts of 1 KiB.
inline void append_notice(std::vector<std::string>& notices, std::string_view severity,
                          std::string_view message) {
  constexpr std::size_t kMost = 10, kLongest = 1024;
  if (notices.size() >= kMost) return;
  std::string text;
  if (!severity.empty()) text.append(severity).append(": ");
  text.append(message);
  if (text.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
    text.resize(end);
  }
  if (base::is_utf8(text)) notices.push_back(std::move(text));
}

}  // namespace athena::postgres
