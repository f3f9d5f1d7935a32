#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"

namespace athena::app {

enum class KeyType : std::uint8_t { boolean, integer, text, choice, list, map };
/// not_built: its feature is not in this version. without_effect: never will be; accepted for the sake of old
/// files. Both are read and checked like any other key, and named in a warning when they are set.
enum class KeyState : std::uint8_t { in_use, not_built, without_effect };

/// One scalar, list or map key of the configuration: everything that is known about it. Overrides, checks,
/// the documentation, the sample file, `config dump`, `config explain` and what a reload may change are made
/// from this table.
struct KeyInfo {
  std::string_view section;
  std::string_view name;
  KeyType type = KeyType::text;
  std::string_view default_text;
  std::int64_t minimum = 0;
  std::int64_t maximum = 0;
  std::string_view meaning;
  KeyState state = KeyState::in_use;
  bool reloadable = true;  ///< a reload puts it into effect; else it waits for a restart
  bool secret = false;     ///< shown as ***
  std::vector<std::string_view> choices = {};
  std::string_view item_member = {};  ///< items of the list may be one-member maps with this name
  /// Looks at a text, each item of a list or each value of a map; returns what is wrong, or nothing.
  std::string (*check)(const std::string&) = nullptr;
  /// Where the value goes: exactly one is set, by `type`, for keys in use.
  std::function<void(Config&, bool)> set_boolean = nullptr;
  std::function<void(Config&, std::int64_t)> set_integer = nullptr;
  std::function<void(Config&, std::string)> set_text = nullptr;
  std::function<void(Config&, std::vector<std::string>)> set_list = nullptr;
  std::function<void(Config&, std::map<std::string, std::string>)> set_map = nullptr;

  [[nodiscard]] std::string full_name() const { return std::string(section) + "." + std::string(name); }
  /// `s`, `ms`, `bytes`, `days` … or nothing: what the name says.
  [[nodiscard]] std::string_view unit() const;
};

/// The table, in the order in which it is documented.
std::span<const KeyInfo> config_keys();
const KeyInfo* find_key(std::string_view section, std::string_view name);
/// By `section.name`.
const KeyInfo* find_key(std::string_view full_name);
std::size_t index_of(const KeyInfo& key);

/// Sections of keys, and those that hold clients or maps.
bool is_known_section(std::string_view section);
std::vector<std::string_view> section_names();
/// Sections whose entries have names of the operator's own.
bool is_free_form(std::string_view section);
/// Sections that are accepted although nothing in this version reads them.
KeyState section_state(std::string_view section);

/// A variable that sets a key besides ATHENA_<SECTION>_<KEY>, and is weaker than that.
struct NamedVariable {
  std::string_view variable;
  std::string_view key;  ///< full name
  /// What the key is set to; null = the text as it is. An empty result sets nothing.
  std::string (*value)(const std::string&) = nullptr;
};
/// The weakest first.
std::span<const NamedVariable> named_variables();
/// Begins like an override but is a variable of its own (ATHENA_API_KEY …): never warned about.
bool is_reserved_variable(std::string_view name);
/// ATHENA_<SECTION>_<KEY>.
std::string variable_of(const KeyInfo& key);

/// Reads `text`, as a variable or a flag has it, into the key's normal form; lists are comma separated, maps
/// comma separated `name=value`. The error says what the key takes, and masks secrets.
base::Result<KeyValue, std::string> parse_key(const KeyInfo& key, std::string_view text);
/// The same for items of a list and members of a map that the file has.
base::Result<KeyValue, std::string> parse_list(const KeyInfo& key, std::vector<std::string> items);
base::Result<KeyValue, std::string> parse_map(const KeyInfo& key,
                                              std::vector<std::pair<std::string, std::string>> members);
/// Puts a value that was parsed for this key into the configuration.
void apply_value(Config& config, const KeyInfo& key, const KeyValue& value);

/// `a whole number from 1 to 65535`, `true or false`, `one of …`: for error texts and documentation.
std::string accepted(const KeyInfo& key);
/// The value for people: lists comma separated, secrets as ***, at most 200 bytes, no control characters.
std::string shown(const KeyInfo& key, const KeyValue& value);
/// `text` cut to `limit` bytes, control characters as `?`.
std::string printable(std::string_view text, std::size_t limit);

/// Up to three known full names that are near to `wanted`, nearest first.
std::vector<std::string> near_keys(std::string_view wanted);

}  // namespace athena::app
