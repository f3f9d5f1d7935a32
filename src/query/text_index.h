#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

namespace athena::query {

/// Numbers the distinct pairs of a text and a tag in the order in which they come: 0, 1, 2 … Copies the
/// texts. The hash is seeded, so that nobody can choose texts that collide.
class TextIndex {
 public:
  struct Found {
    std::uint32_t number;
    bool is_new;
  };

  TextIndex();
  Found insert(std::string_view text, std::uint64_t tag);
  [[nodiscard]] std::string_view text(std::uint32_t number) const { return entries_[number].text; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  void clear();

 private:
  struct Entry {
    std::string_view text;
    std::uint64_t tag;
    std::uint64_t hash;
  };

  void grow();

  std::pmr::monotonic_buffer_resource memory_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  // number + 1; 0 = free
};

}  // namespace athena::query
