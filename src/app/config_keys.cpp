#include "app/config_keys.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "app/config_keys_table.h"
#include "base/ascii.h"
#include "contract/error.h"

namespace athena::app {
namespace {

using Strings = std::vector<std::string>;
using Sections = std::vector<std::string_view>;

const std::vector<KeyInfo>& keys() {
  static const std::vector<KeyInfo> table = [] {
    std::vector<KeyInfo> made;
    table::add_api(made);
    table::add_gateway(made);
    table::add_others(made);
    table::add_unused(made);
    // What is not built stands behind what is, but in its section.
    Sections order;
    for (const auto& key : made) {
      if (std::find(order.begin(), order.end(), key.section) == order.end()) order.push_back(key.section);
    }
    std::vector<KeyInfo> sorted;
    for (const auto section : order) {
      for (auto& key : made) {
        if (key.section == section) sorted.push_back(std::move(key));
      }
    }
    return sorted;
  }();
  return table;
}

constexpr std::array<std::string_view, 6> kFreeForm{
    "postgres_clients", "clients", "validation_ranges", "urls", "hosts", "authenticator"};
constexpr std::array<std::string_view, 3> kUnbuiltSections{"urls", "hosts", "authenticator"};
constexpr std::array<std::string_view, 2> kIdleSections{"daemon", "typesense"};

template <class List>
bool holds(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string ansi_of_no_color(const std::string& /*text*/) {
  return "false";
}

constexpr std::array<NamedVariable, 16> kNamed{{
    {"PORT", "api.port"},
    {"ATHENA_DATA_DIR", "api.data_dir"},
    {"ATHENA_TLS_CERT", "api.tls_cert_file"},
    {"ATHENA_TLS_KEY", "api.tls_key_file"},
    {"POSTGRES_ATHENA_LOGGING_URI", "gateway.logging_pg_uri"},
    {"ATHENA_PG_POOL_MAX_CONNECTIONS", "pool.max_connections"},
    {"ATHENA_PG_POOL_MIN_CONNECTIONS", "pool.min_connections"},
    {"ATHENA_PG_POOL_ACQUIRE_TIMEOUT_SECS", "pool.acquire_timeout_seconds"},
    {"ATHENA_PG_POOL_IDLE_TIMEOUT_SECS", "pool.idle_timeout_seconds"},
    {"ATHENA_PG_POOL_MAX_LIFETIME_SECS", "pool.max_lifetime_seconds"},
    {"ATHENA_PG_POOL_TEST_BEFORE_ACQUIRE", "pool.test_before_acquire"},
    {"ATHENA_TRACING_LOG_DIR", "log.dir"},
    {"NO_COLOR", "log.ansi", ansi_of_no_color},
    {"ATHENA_ANSI", "log.ansi"},
    {"ATHENA_PG_DUMP_PATH", "pg.dump_path"},
    {"ATHENA_PG_RESTORE_PATH", "pg.restore_path"},
}};

// Names of their own that begin with ATHENA_<SECTION>_.
constexpr std::array<std::string_view, 5> kReserved{"ATHENA_API_KEY", "ATHENA_CONFIG_PATH",
                                                    "ATHENA_PIPELINES_PATH", "ATHENA_SUPABASE_URL",
                                                    "ATHENA_SUPABASE_KEY"};

base::Result<KeyValue, std::string> wrong(const KeyInfo& key, std::string_view text) {
  return "must be " + accepted(key) + ", not " + (key.secret ? "***" : printable(text, 64));
}

base::Result<KeyValue, std::string> checked(const KeyInfo& key, const std::string& text) {
  if (key.check != nullptr) {
    if (auto problem = key.check(text); !problem.empty())
      return problem + ", not " + (key.secret ? "***" : printable(text, 64));
  }
  return KeyValue{};
}

/// Splits at commas; blanks around items and empty items are dropped.
Strings split(std::string_view text) {
  Strings items;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

base::Result<KeyValue, std::string> parse_boolean(const KeyInfo& key, std::string_view text) {
  const auto word = base::lower_case(text);
  KeyValue value;
  if (word == "true" || word == "yes" || word == "on" || word == "1") {
    value.text = "true";
  } else if (word == "false" || word == "no" || word == "off" || word == "0") {
    value.text = "false";
  } else {
    return wrong(key, text);
  }
  return value;
}

base::Result<KeyValue, std::string> parse_integer(const KeyInfo& key, std::string_view text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number < key.minimum ||
      number > key.maximum) {
    return wrong(key, text);
  }
  KeyValue value;
  value.text = std::to_string(number);
  return value;
}

base::Result<KeyValue, std::string> parse_choice(const KeyInfo& key, std::string_view text) {
  auto word = base::lower_case(text);
  // YAML editors and habits write switches in more than one way.
  const bool switches = holds(key.choices, "true") || holds(key.choices, "off");
  if (!holds(key.choices, word) && switches) {
    const bool no = word == "0" || word == "no" || word == "off" || word == "false";
    const bool yes = word == "1" || word == "yes" || word == "on" || word == "true";
    if (no) word = holds(key.choices, "off") ? "off" : "false";
    if (yes && holds(key.choices, "true")) word = "true";
  }
  if (!holds(key.choices, word)) return wrong(key, text);
  KeyValue value;
  value.text = word;
  return value;
}

}  // namespace

std::string_view KeyInfo::unit() const {
  if (type != KeyType::integer) return {};
  if (name.ends_with("_secs") || name.ends_with("_seconds") || name == "cache_ttl" ||
      name == "pool_idle_timeout")
    return "s";
  if (name.ends_with("_ms")) return "ms";
  if (name.ends_with("_bytes")) return "bytes";
  if (name.ends_with("_days")) return "days";
  if (name.ends_with("_hours")) return "hours";
  return {};
}

std::span<const KeyInfo> config_keys() {
  return keys();
}

const KeyInfo* find_key(std::string_view section, std::string_view name) {
  const auto found = std::find_if(keys().begin(), keys().end(), [&](const KeyInfo& key) {
    return key.section == section && key.name == name;
  });
  return found == keys().end() ? nullptr : &*found;
}

const KeyInfo* find_key(std::string_view full_name) {
  const auto dot = full_name.find('.');
  if (dot == std::string_view::npos) return nullptr;
  return find_key(full_name.substr(0, dot), full_name.substr(dot + 1));
}

std::size_t index_of(const KeyInfo& key) {
  return static_cast<std::size_t>(&key - keys().data());
}

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> names(kFreeForm.begin(), kFreeForm.end());
  for (const auto& key : keys()) {
    if (!holds(names, key.section)) names.push_back(key.section);
  }
  names.insert(names.end(), kIdleSections.begin(), kIdleSections.end());
  return names;
}

bool is_known_section(std::string_view section) {
  return holds(section_names(), section);
}

bool is_free_form(std::string_view section) {
  return holds(kFreeForm, section);
}

KeyState section_state(std::string_view section) {
  return holds(kUnbuiltSections, section) ? KeyState::not_built
         : holds(kIdleSections, section)  ? KeyState::without_effect
                                          : KeyState::in_use;
}

std::span<const NamedVariable> named_variables() {
  return kNamed;
}

bool is_reserved_variable(std::string_view name) {
  const bool named = std::any_of(kNamed.begin(), kNamed.end(),
                                 [&](const NamedVariable& entry) { return entry.variable == name; });
  return named || holds(kReserved, name) || name == "ATHENA_SUPABASE_ANON_KEY";
}

std::string variable_of(const KeyInfo& key) {
  std::string text = "ATHENA_" + std::string(key.section) + "_" + std::string(key.name);
  for (auto& letter : text) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 32);
  }
  return text;
}

std::string accepted(const KeyInfo& key) {
  switch (key.type) {
    case KeyType::boolean:
      return "true or false";
    case KeyType::integer:
      return "a whole number from " + std::to_string(key.minimum) + " to " + std::to_string(key.maximum);
    case KeyType::choice: {
      std::string text = "one of";
      for (const auto choice : key.choices) text += " " + std::string(choice);
      return text;
    }
    case KeyType::list:
      return "a list or comma separated text";
    case KeyType::map:
      return "a map";
    case KeyType::text:
      return "text";
  }
  return "text";
}

base::Result<KeyValue, std::string> parse_list(const KeyInfo& key, std::vector<std::string> items) {
  for (const auto& item : items) {
    if (auto good = checked(key, item); !good) return good.error();
  }
  KeyValue value;
  value.items = std::move(items);
  return value;
}

base::Result<KeyValue, std::string> parse_map(const KeyInfo& key,
                                              std::vector<std::pair<std::string, std::string>> members) {
  for (const auto& [name, text] : members) {
    if (auto good = checked(key, text); !good) return good.error();
  }
  std::sort(members.begin(), members.end());
  KeyValue value;
  value.members = std::move(members);
  return value;
}

base::Result<KeyValue, std::string> parse_key(const KeyInfo& key, std::string_view text) {
  switch (key.type) {
    case KeyType::boolean:
      return parse_boolean(key, text);
    case KeyType::integer:
      return parse_integer(key, text);
    case KeyType::choice:
      return parse_choice(key, text);
    case KeyType::list:
      return parse_list(key, split(text));
    case KeyType::map: {
      std::vector<std::pair<std::string, std::string>> members;
      for (const auto& item : split(text)) {
        const auto equals = item.find('=');
        if (equals == std::string::npos || equals == 0)
          return std::string("must be comma separated name=value");
        members.emplace_back(item.substr(0, equals), item.substr(equals + 1));
      }
      return parse_map(key, std::move(members));
    }
    case KeyType::text:
      break;
  }
  KeyValue value;
  value.text = std::string(text);
  if (!text.empty()) {
    if (auto good = checked(key, value.text); !good) return good.error();
  }
  return value;
}

void apply_value(Config& config, const KeyInfo& key, const KeyValue& value) {
  if (key.set_boolean) key.set_boolean(config, value.text == "true");
  if (key.set_integer) key.set_integer(config, std::stoll(value.text));
  if (key.set_text) key.set_text(config, value.text);
  if (key.set_list) key.set_list(config, value.items);
  if (key.set_map) key.set_map(config, {value.members.begin(), value.members.end()});
}

std::string printable(std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  std::string result(text.substr(0, limit));
  for (auto& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return cut ? result + "…" : result;
}

std::string shown(const KeyInfo& key, const KeyValue& value) {
  constexpr std::size_t kLimit = 200;
  if (key.type == KeyType::list) {
    std::string text;
    for (const auto& item : value.items) text += (text.empty() ? "" : ", ") + item;
    return printable(text, kLimit);
  }
  if (key.type == KeyType::map) {
    std::string text;
    for (const auto& [name, member] : value.members)
      text += (text.empty() ? "" : ", ") + name + (key.secret ? "=***" : "=" + member);
    return printable(text, kLimit);
  }
  return key.secret && !value.text.empty() ? "***" : printable(value.text, kLimit);
}

std::vector<std::string> near_keys(std::string_view wanted) {
  std::vector<std::string> names;
  for (const auto& key : keys()) names.push_back(key.full_name());
  const std::vector<std::string_view> views(names.begin(), names.end());
  auto near = contract::near_names(wanted, views);
  if (!near.empty()) return near;
  // The name alone, or one that goes on.
  const auto dot = wanted.rfind('.');
  const auto last = dot == std::string_view::npos ? wanted : wanted.substr(dot + 1);
  for (const auto& key : keys()) {
    if (near.size() < 3 && !last.empty() &&
        (key.name == last || key.name.find(last) != std::string_view::npos))
      near.push_back(key.full_name());
  }
  return near;
}

}  // namespace athena::app
