#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/config_keys.h"

// Builders of the key table's entries; used by the config_keys_*.cpp files alone.
namespace athena::app::table {

using Strings = std::vector<std::string>;
using Choices = std::vector<std::string_view>;

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kGiB = 1LL << 30;

/// Collects entries of one section; each `add` returns the entry, so that marks can follow.
class Section {
 public:
  Section(std::vector<KeyInfo>& keys, std::string_view name) : keys_(keys), name_(name) {}

  template <class Set>
  KeyInfo& boolean(std::string_view name, std::string_view fallback, std::string_view meaning, Set set) {
    auto& key = add(name, KeyType::boolean, fallback, meaning);
    key.set_boolean = set;
    return key;
  }
  template <class Set>
  KeyInfo& integer(std::string_view name, std::string_view fallback, std::int64_t minimum,
                   std::int64_t maximum, std::string_view meaning, Set set) {
    auto& key = add(name, KeyType::integer, fallback, meaning);
    key.minimum = minimum;
    key.maximum = maximum;
    key.set_integer = set;
    return key;
  }
  template <class Set>
  KeyInfo& text(std::string_view name, std::string_view fallback, std::string_view meaning, Set set) {
    auto& key = add(name, KeyType::text, fallback, meaning);
    key.set_text = set;
    return key;
  }
  /// The first choice is the default.
  template <class Set>
  KeyInfo& choice(std::string_view name, Choices choices, std::string_view meaning, Set set) {
    auto& key = add(name, KeyType::choice, choices.front(), meaning);
    key.choices = std::move(choices);
    key.set_text = set;
    return key;
  }
  template <class Set>
  KeyInfo& list(std::string_view name, std::string_view fallback, std::string_view meaning, Set set) {
    auto& key = add(name, KeyType::list, fallback, meaning);
    key.set_list = set;
    return key;
  }
  template <class Set>
  KeyInfo& map(std::string_view name, std::string_view meaning, Set set) {
    auto& key = add(name, KeyType::map, "", meaning);
    key.set_map = set;
    return key;
  }

 private:
  KeyInfo& add(std::string_view name, KeyType type, std::string_view fallback, std::string_view meaning) {
    KeyInfo key;
    key.section = name_;
    key.name = name;
    key.type = type;
    key.default_text = fallback;
    key.meaning = meaning;
    return keys_.emplace_back(std::move(key));
  }

  std::vector<KeyInfo>& keys_;
  std::string_view name_;
};

// A setter for a member of any integer or duration type.
#define ATHENA_INT(member) [](Config& c, std::int64_t v) { c.member = static_cast<decltype(c.member)>(v); }
#define ATHENA_SECS(member) [](Config& c, std::int64_t v) { c.member = std::chrono::seconds(v); }
#define ATHENA_BOOL(member) [](Config& c, bool v) { c.member = v; }
#define ATHENA_TEXT(member) [](Config& c, std::string v) { c.member = std::move(v); }
#define ATHENA_LIST(member) [](Config& c, Strings v) { c.member = std::move(v); }

void add_api(std::vector<KeyInfo>& keys);
void add_gateway(std::vector<KeyInfo>& keys);
/// pool, engines, log, telemetry, config.
void add_others(std::vector<KeyInfo>& keys);
/// Keys whose feature is not in this version, and keys without effect.
void add_unused(std::vector<KeyInfo>& keys);

}  // namespace athena::app::table
