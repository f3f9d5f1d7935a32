#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/deadline.h"
#include "engines/sqltext/classify.h"

namespace athena::postgres {

/// A caller's text and what is known of it.
struct RawTextEntry {
  std::string text;
  sqltext::TextClass what;
  std::string names_key;  ///< of what.names: texts that use the same objects share it
  std::uint32_t uses = 0;
  std::vector<std::uint32_t> parameter_oids;
  base::Clock::time_point types_until{};  ///< parameter_oids are known until then

  [[nodiscard]] bool types_known() const { return base::Clock::now() < types_until; }
};

/// Classified texts, the least recently used one out; the key is the whole text. Shard-local.
class RawTexts {
 public:
  /// Classifies a text that is not there yet; long ones are not kept. Its `uses` are one more.
  std::shared_ptr<RawTextEntry> get(std::string_view text);
  /// What was learnt from the database counts no more.
  void forget_types();
  [[nodiscard]] std::size_t size() const { return by_text_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kMostBytes = 4U << 20;
  static constexpr std::size_t kLongest = 64U << 10;

 private:
  using Entries = std::list<std::shared_ptr<RawTextEntry>>;
  static std::size_t cost(const RawTextEntry& entry);
  Entries by_use_;  // most recent first
  std::unordered_map<std::string_view, Entries::iterator> by_text_;
  std::size_t bytes_ = 0;
};

}  // namespace athena::postgres
