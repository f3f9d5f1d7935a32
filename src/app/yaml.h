#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace athena::app {

/// One value of a YAML text. Scalars stay text: what they mean is for the reader of the key to say.
struct YamlNode {
  enum class Kind { null, scalar, list, map };

  Kind kind = Kind::null;
  int line = 0;      ///< from 1
  std::string text;  ///< of a scalar
  std::vector<const YamlNode*> items;
  std::vector<std::pair<const YamlNode*, const YamlNode*>> members;  ///< in the order of the text
};

/// The values of a text, each once: an alias points at the value it stands for, never at one around it.
struct YamlDocument {
  std::deque<YamlNode> nodes;
  const YamlNode* root = nullptr;  ///< nullptr when the text holds no document
};

struct YamlError {
  int line = 0;  ///< from 1
  std::string what;
};

/// Parses a text of at most one document (YAML 1.1, as libyaml reads it; a plain `null`, `~` or nothing is
/// null, every other scalar is text). Time and memory grow with the text and nothing else: nesting beyond 64
/// and more than 262,144 values are errors.
std::variant<YamlDocument, YamlError> parse_yaml(std::string_view text);

}  // namespace athena::app
