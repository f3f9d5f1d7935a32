#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.h"

namespace athena::app {

enum class KeyType : std::uint8_t { boolean, integer, text, choice, list, map };

/// One scalar, list or map key of the configuration: everything that is known about it. Documentation,
/// overrides, checks and the sample file are made from this table.
struct KeyInfo {
  std::string_view section;
  std::string_view name;
  KeyType type;
  std::string_view default_text;
  std::int64_t minimum = 0;
  std::int64_t maximum = 0;
  std::string_view meaning;
  /// Where the value goes: exactly one is set, by `type`.
  std::function<void(Config&, bool)> set_boolean = nullptr;
  std::function<void(Config&, std::int64_t)> set_integer = nullptr;
  std::function<void(Config&, std::string)> set_text = nullptr;
  std::function<void(Config&, std::vector<std::string>)> set_list = nullptr;
  std::vector<std::string_view> choices = {};
};

std::span<const KeyInfo> config_keys();
const KeyInfo* find_key(std::string_view section, std::string_view name);
/// Sections that hold clients or maps rather than keys of the table.
bool is_known_section(std::string_view section);

/// Puts `text` into the configuration when it fits the key; the error says what the key takes.
base::Result<void, std::string> apply_key(Config& config, const KeyInfo& key, std::string_view text);
/// `[1–65535]`, `true or false`, `one of …`: for error texts and documentation.
std::string accepted(const KeyInfo& key);

}  // namespace athena::app
