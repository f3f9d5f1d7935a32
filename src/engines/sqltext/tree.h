#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace athena::sqltext {

/// The JSON of a parse tree, read without recursion: it may be nested to any depth. Views into the JSON,
/// which must outlive it. Strings are as written, escapes and all.
class Tree {
 public:
  struct Node {
    std::string_view key;     ///< of the member; empty for items of a list and the root
    std::string_view scalar;  ///< string without its quotes, number, true, false
    std::uint32_t end = 0;    ///< one behind its last descendant
    std::uint32_t parent = 0;
    bool container = false;
    bool is_string = false;
  };
  /// False when the text is not what the parser writes.
  bool read(std::string_view json);

  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const Node& operator[](std::uint32_t index) const { return nodes_[index]; }

  static constexpr std::uint32_t kNone = UINT32_MAX;
  [[nodiscard]] std::uint32_t first_child(std::uint32_t index) const {
    return nodes_[index].end > index + 1 ? index + 1 : kNone;
  }
  [[nodiscard]] std::uint32_t next_sibling(std::uint32_t index) const {
    const std::uint32_t next = nodes_[index].end;
    return next < nodes_.size() && nodes_[next].parent == nodes_[index].parent ? next : kNone;
  }
  /// The child of that name, or kNone.
  [[nodiscard]] std::uint32_t child(std::uint32_t index, std::string_view key) const;
  /// Text of a scalar child, or empty.
  [[nodiscard]] std::string_view text(std::uint32_t index, std::string_view key) const;

 private:
  std::vector<Node> nodes_;
};

}  // namespace athena::sqltext
