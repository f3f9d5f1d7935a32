#include "engines/sqltext/tree.h"

namespace athena::sqltext {

bool Tree::read(std::string_view json) {
  nodes_.clear();
  std::vector<std::uint32_t> open;
  std::string_view key;
  std::size_t at = 0;
  const auto add = [&](bool container) -> Node& {
    Node node;
    node.key = key;
    node.container = container;
    node.parent = open.empty() ? 0 : open.back();
    key = {};
    nodes_.push_back(node);
    const auto index = static_cast<std::uint32_t>(nodes_.size() - 1);
    nodes_[index].end = index + 1;
    return nodes_[index];
  };
  while (at < json.size()) {
    const char c = json[at];
    if (c == ',' || c == ' ' || c == '\n') {
      ++at;
    } else if (c == '{' || c == '[') {
      add(true);
      open.push_back(static_cast<std::uint32_t>(nodes_.size() - 1));
      ++at;
    } else if (c == '}' || c == ']') {
      if (open.empty()) return false;
      nodes_[open.back()].end = static_cast<std::uint32_t>(nodes_.size());
      open.pop_back();
      ++at;
    } else if (c == '"') {
      std::size_t end = at + 1;
      while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
      if (end >= json.size()) return false;
      const auto text = json.substr(at + 1, end - at - 1);
      at = end + 1;
      if (at < json.size() && json[at] == ':') {
        key = text;
        ++at;
      } else {
        Node& node = add(false);
        node.scalar = text;
        node.is_string = true;
      }
    } else {
      const std::size_t begin = at;
      while (at < json.size() && json[at] != ',' && json[at] != '}' && json[at] != ']') ++at;
      if (at == begin) return false;
      add(false).scalar = json.substr(begin, at - begin);
    }
  }
  return open.empty() && !nodes_.empty();
}

std::uint32_t Tree::child(std::uint32_t index, std::string_view key) const {
  for (auto at = first_child(index); at != kNone; at = next_sibling(at)) {
    if (nodes_[at].key == key) return at;
  }
  return kNone;
}

std::string_view Tree::text(std::uint32_t index, std::string_view key) const {
  const auto found = child(index, key);
  return found == kNone ? std::string_view() : nodes_[found].scalar;
}

}  // namespace athena::sqltext
