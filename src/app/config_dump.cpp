#include "app/config_dump.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "app/config_clients.h"
#include "app/config_keys.h"
#include "base/json_writer.h"

namespace athena::app {
namespace {

using Entry = std::pair<std::string, std::string>;  // name and JSON text
using Entries = std::vector<Entry>;

std::string json_of(const KeyInfo& key, const KeyValue& value) {
  std::string text;
  switch (key.type) {
    case KeyType::boolean:
    case KeyType::integer:
      return value.text;
    case KeyType::list:
      for (const auto& item : value.items) text += (text.empty() ? "" : ", ") + base::json_string(item);
      return "[" + text + "]";
    case KeyType::map:
      for (const auto& [name, member] : value.members) {
        text += (text.empty() ? "" : ", ") + base::json_string(name) + ": " +
                base::json_string(key.secret ? "***" : member);
      }
      return "{" + text + "}";
    case KeyType::text:
    case KeyType::choice:
      break;
  }
  return base::json_string(key.secret && !value.text.empty() ? "***" : value.text);
}

/// Members of a client that are worth showing: all, or those that differ from what a client has by default.
class ClientEntries {
 public:
  ClientEntries(const Config& config, bool all) : config_(config), all_(all) {}

  Entries of(const contract::ClientDefinition& client) {
    entries_.clear();
    always("engine", base::json_string(name(client.engine)));
    if (const auto* postgres = std::get_if<contract::PostgresConnection>(&client.connection)) add(*postgres);
    if (const auto* sqlite = std::get_if<contract::SqliteConnection>(&client.connection)) add(*sqlite);
    text("description", client.description, "");
    flag("is_active", client.lifecycle != contract::Lifecycle::inactive, true);
    flag("is_frozen", client.lifecycle == contract::Lifecycle::frozen, false);
    add_metadata(client);
    return std::move(entries_);
  }

 private:
  void always(std::string member, std::string json) {
    entries_.emplace_back(std::move(member), std::move(json));
  }
  void text(const char* member, const std::string& value, const std::string& fallback) {
    if (all_ || value != fallback) always(member, base::json_string(value));
  }
  void flag(const char* member, bool value, bool fallback) {
    if (all_ || value != fallback) always(member, value ? "true" : "false");
  }
  void number(const char* member, std::int64_t value, std::int64_t fallback) {
    if (all_ || value != fallback) always(member, std::to_string(value));
  }

  void add(const contract::PostgresConnection& connection) {
    const contract::PostgresConnection fallback;
    always("uri", base::json_string(shown_uri(connection.uri)));
    text("sslmode", connection.sslmode, fallback.sslmode);
    text("sslrootcert", connection.sslrootcert, "");
    text("sslcert", connection.sslcert, "");
    text("sslkey", connection.sslkey, "");
    text("search_path", connection.search_path, "");
    text("pooler", connection.transaction_pooler ? "transaction" : "none", "none");
    flag("read_only", connection.read_only, false);
    add_pool(connection.pool, config_.pool);
  }
  void add_pool(const contract::PoolLimits& pool, const contract::PoolLimits& fallback) {
    std::string members;
    const auto add_number = [&](const char* member, std::int64_t value, std::int64_t usual) {
      if (all_ || value != usual)
        members += (members.empty() ? "" : ", ") + base::json_string(member) + ": " + std::to_string(value);
    };
    const auto add_flag = [&](const char* member, bool value, bool usual) {
      if (all_ || value != usual)
        members += (members.empty() ? "" : ", ") + base::json_string(member) + (value ? ": true" : ": false");
    };
#define ATHENA_POOL(member) add_number(#member, pool.member, fallback.member)
    ATHENA_POOL(max_connections);
    ATHENA_POOL(min_connections);
    ATHENA_POOL(connection_timeout_seconds);
    ATHENA_POOL(acquire_timeout_seconds);
    ATHENA_POOL(idle_timeout_seconds);
    ATHENA_POOL(max_lifetime_seconds);
    add_flag("test_before_acquire", pool.test_before_acquire, fallback.test_before_acquire);
    ATHENA_POOL(pipelined_per_shard);
    ATHENA_POOL(pipeline_depth);
    ATHENA_POOL(pipelined_lock_wait_ms);
    ATHENA_POOL(max_waiting);
    ATHENA_POOL(statement_timeout_ms);
    ATHENA_POOL(slow_shape_ms);
    ATHENA_POOL(prepared_statements);
    ATHENA_POOL(result_window_bytes);
    add_flag("trust_functions", pool.trust_functions, fallback.trust_functions);
#undef ATHENA_POOL
    if (!members.empty()) always("pool", "{" + members + "}");
  }
  void add(const contract::SqliteConnection& connection) {
    const contract::SqliteConnection fallback;
    always("path", base::json_string(connection.path));
    flag("create", connection.create, fallback.create);
    flag("read_only", connection.read_only, fallback.read_only);
    number("busy_timeout_ms", connection.busy_timeout_ms, fallback.busy_timeout_ms);
    text("synchronous", connection.synchronous_full ? "full" : "normal", "full");
    number("readers", connection.readers, fallback.readers);
  }
  void add_metadata(const contract::ClientDefinition& client) {
    std::string members;
    const auto add_member = [&](const char* member, const std::string& json) {
      members += (members.empty() ? "" : ", ") + base::json_string(member) + ": " + json;
    };
    if (all_ || !client.host_labels.empty()) {
      std::string labels;
      for (const auto& label : client.host_labels)
        labels += (labels.empty() ? "" : ", ") + base::json_string(label);
      add_member("host_labels", "[" + labels + "]");
    }
    std::string limits;
    const auto add_limit = [&](const char* member, const std::optional<std::int64_t>& limit) {
      if (limit)
        limits += (limits.empty() ? "" : ", ") + base::json_string(member) + ": " + std::to_string(*limit);
    };
    add_limit("max_rows", client.limits.max_rows);
    add_limit("timeout_ms", client.limits.timeout_ms);
    if (all_ || !limits.empty()) add_member("limits", "{" + limits + "}");
    std::string off;
    const auto usual = contract::engine_capabilities(client.engine);
    for (std::size_t i = 0; i < contract::kCapabilityCount; ++i) {
      const auto capability = static_cast<contract::Capability>(i);
      if (usual.has(capability) && !client.capabilities.has(capability))
        off += (off.empty() ? "" : ", ") + base::json_string(name(capability)) + ": false";
    }
    if (all_ || !off.empty()) add_member("capabilities", "{" + off + "}");
    if (!members.empty()) always("metadata", "{" + members + "}");
  }

  const Config& config_;
  const bool all_;
  Entries entries_;
};

struct Block {
  std::string name;
  Entries entries;  // keys, or clients with an object each
  std::vector<std::pair<std::string, Entries>> clients = {};
};

std::vector<Block> blocks_of(const Config& config, bool all) {
  std::vector<Block> blocks;
  for (const auto& key : config_keys()) {
    const auto& effective = config.values[index_of(key)];
    const bool set = effective.origin != "default";
    if (key.state != KeyState::in_use && !set) continue;
    const auto fallback = parse_key(key, key.default_text);
    if (!all && fallback && *fallback == effective.value) continue;
    if (blocks.empty() || blocks.back().name != key.section) blocks.push_back({std::string(key.section), {}});
    blocks.back().entries.emplace_back(key.name, json_of(key, effective.value));
  }
  Block clients{"clients", {}};
  for (std::size_t i = 0; i < config.clients.size(); ++i) {
    if (!all && config.client_origins[i] == "default") continue;
    clients.clients.emplace_back(config.clients[i].client_name,
                                 ClientEntries(config, all).of(config.clients[i]));
  }
  std::sort(clients.clients.begin(), clients.clients.end());
  if (!clients.clients.empty()) blocks.push_back(std::move(clients));
  return blocks;
}

void add_yaml(std::string& text, const Entries& entries, const std::string& indent) {
  for (const auto& [name, json] : entries) text += indent + name + ": " + json + "\n";
}

void add_json(std::string& text, const Entries& entries, const std::string& indent) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    text += indent + base::json_string(entries[i].first) + ": " + entries[i].second +
            (i + 1 < entries.size() ? ",\n" : "\n");
  }
}

std::string range_of(const KeyInfo& key) {
  switch (key.type) {
    case KeyType::integer:
      return std::to_string(key.minimum) + " to " + std::to_string(key.maximum);
    case KeyType::choice: {
      std::string text;
      for (const auto choice : key.choices) text += (text.empty() ? "" : ", ") + std::string(choice);
      return text;
    }
    case KeyType::boolean:
      return "true, false";
    default:
      return {};
  }
}

const char* type_name(const KeyInfo& key) {
  switch (key.type) {
    case KeyType::boolean:
      return "boolean";
    case KeyType::integer:
      return "integer";
    case KeyType::choice:
      return "choice";
    case KeyType::list:
      return "list";
    case KeyType::map:
      return "map";
    case KeyType::text:
      break;
  }
  return "text";
}

void add_line(std::string& text, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  text += "  " + std::string(name) + std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') + value + "\n";
}

std::string or_empty(const std::string& text) {
  return text.empty() ? "(empty)" : text;
}

std::optional<std::string> explain_client(const Config& config, std::string_view name) {
  for (const auto section : {"clients.", "postgres_clients."}) {
    if (!name.starts_with(section)) continue;
    const auto wanted = contract::client_key(name.substr(std::string_view(section).size()));
    for (std::size_t i = 0; i < config.clients.size(); ++i) {
      if (contract::client_key(config.clients[i].client_name) != wanted) continue;
      std::string text = "clients." + config.clients[i].client_name + "\n";
      for (const auto& [member, json] : ClientEntries(config, true).of(config.clients[i]))
        add_line(text, member, json);
      add_line(text, "reloadable", "yes");
      add_line(text, "origin", config.client_origins[i]);
      return text;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string dump_config(const Config& config, DumpFormat format, bool all) {
  const auto blocks = blocks_of(config, all);
  if (blocks.empty()) return "{}\n";
  std::string text;
  const bool yaml = format == DumpFormat::yaml;
  if (!yaml) text = "{\n";
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& block = blocks[i];
    text += yaml ? block.name + ":\n" : "  " + base::json_string(block.name) + ": {\n";
    yaml ? add_yaml(text, block.entries, "  ") : add_json(text, block.entries, "    ");
    for (std::size_t j = 0; j < block.clients.size(); ++j) {
      const auto& [name, entries] = block.clients[j];
      text += yaml ? "  " + name + ":\n" : "    " + base::json_string(name) + ": {\n";
      yaml ? add_yaml(text, entries, "    ") : add_json(text, entries, "      ");
      if (!yaml) text += j + 1 < block.clients.size() ? "    },\n" : "    }\n";
    }
    if (!yaml) text += i + 1 < blocks.size() ? "  },\n" : "  }\n";
  }
  return yaml ? text : text + "}\n";
}

std::optional<std::string> explain_key(const Config& config, std::string_view name) {
  const auto* key = find_key(name);
  if (key == nullptr) return explain_client(config, name);
  const auto& effective = config.values[index_of(*key)];
  std::string text = key->full_name() + "\n";
  if (key->state == KeyState::not_built) text += "  It has no effect in this version.\n";
  if (key->state == KeyState::without_effect) text += "  It is accepted, but has no effect.\n";
  add_line(text, "meaning", std::string(key->meaning));
  add_line(text, "value", or_empty(shown(*key, effective.value)));
  add_line(text, "default", or_empty(std::string(key->default_text)));
  add_line(text, "type", type_name(*key));
  add_line(text, "range", range_of(*key));
  add_line(text, "unit", std::string(key->unit()));
  add_line(text, "reloadable", key->reloadable ? "yes" : "no, takes effect at the next start");
  add_line(text, "variable", variable_of(*key));
  add_line(text, "origin", effective.origin);
  for (const auto& hidden : effective.hidden)
    add_line(text, "hides", or_empty(shown(*key, hidden.value)) + " (" + hidden.origin + ")");
  return text;
}

std::string keys_markdown() {
  std::string text;
  std::string_view section;
  for (const auto& key : config_keys()) {
    if (key.state != KeyState::in_use) continue;
    if (key.section != section) {
      section = key.section;
      text += std::string(text.empty() ? "" : "\n") + "### " + std::string(section) +
              "\n\n| key | default | takes | R | meaning |\n|---|---|---|---|---|\n";
    }
    const auto unit = std::string(key.unit());
    const auto range = key.type == KeyType::boolean ? std::string() : range_of(key);
    const auto takes =
        std::string(type_name(key)) + (range.empty() ? "" : ": " + range) + (unit.empty() ? "" : " " + unit);
    const auto fallback =
        key.default_text.empty() ? std::string() : "`" + std::string(key.default_text) + "`";
    text += "| `" + std::string(key.name) + "` | " + fallback + " | " + takes + " | " +
            (key.reloadable ? "R" : "") + " | " + std::string(key.meaning) + " |\n";
  }
  text +=
      "\n### Not in this version\n\nRead and checked, but without effect; the ones that are set are named in "
      "a "
      "warning.\n\n";
  section = {};
  for (const auto& key : config_keys()) {
    if (key.state == KeyState::in_use) continue;
    if (key.section != section) {
      text += std::string(section.empty() ? "" : "\n") + "- `" + std::string(key.section) + "`:";
      section = key.section;
    } else {
      text += ",";
    }
    text += " `" + std::string(key.name) + "`";
  }
  return text + "\n- whole sections: `urls`, `hosts`, `authenticator`, `daemon`, `typesense`\n";
}

}  // namespace athena::app
