#include "app/catalogue_clients.h"

#include <algorithm>
#include <array>
#include <memory_resource>

#include "app/config_keys.h"
#include "base/ascii.h"
#include "base/json_builder.h"
#include "base/json_reader.h"
#include "services/control/client_secrets.h"

namespace athena::app {
namespace {

using contract::Error;
using contract::ErrorCode;

constexpr std::string_view kUnsetBegin = "environment variable ";
constexpr std::string_view kUnsetEnd = " is not set";

// ---- the file's values as JSON ----

bool is_whole_number(const std::string& text) {
  const auto digits = std::string_view(text).substr(text.starts_with('-') ? 1 : 0);
  return !digits.empty() && digits.size() <= 18 &&
         digits.find_first_not_of("0123456789") == std::string_view::npos &&
         (digits.size() == 1 || digits[0] != '0');
}

void append_value(base::JsonBuilder& json, const FileValue& value) {
  if (value.is_map) {
    json.begin_object();
    for (const auto& [name, member] : value.members) {
      json.key(name);
      append_value(json, member);
    }
    json.end_object();
  } else if (value.is_list) {
    json.begin_array();
    for (const auto& item : value.items) append_value(json, item);
    json.end_array();
  } else if (!value.written.empty()) {
    json.value(value.written);
  } else if (value.text == "true" || value.text == "false" || is_whole_number(value.text)) {
    json.raw(value.text);
  } else {
    json.value(value.text);
  }
}

std::string json_of(const FileValue& value) {
  base::Buffer out;
  base::JsonBuilder json(out);
  append_value(json, value);
  return std::string(out.view());
}

const std::string& written(const FileValue& value) {
  return value.written.empty() ? value.text : value.written;
}

/// The variable of a text that is `${NAME}` and nothing else; empty = it is not.
std::string whole_variable(const std::string& text) {
  if (!text.starts_with("${") || text.find('}') != text.size() - 1 || text.find(":-") != std::string::npos)
    return {};
  return text.substr(2, text.size() - 3);
}

void take_uri(control::ClientRow& row, const std::string& text) {
  row.config_uri_template = control::masked_uri(text);
  if (auto variable = whole_variable(text); !variable.empty()) {
    row.pg_uri_env_var = std::move(variable);
  } else {
    row.pg_uri = text;
  }
}

// ---- rows as values of a file ----

FileValue text_value(std::string text) {
  FileValue value;
  value.text = std::move(text);
  return value;
}

/// Values of a row, with the variables of their texts; the first that is not set is kept.
class RowValues {
 public:
  explicit RowValues(const Environment& environment) : environment_(environment) {}

  FileValue of(const base::JsonNode& node, bool with_variables) {
    FileValue value;
    if (node.is_object()) {
      value.is_map = true;
      for (const auto& [name, member] : node.members) {
        if (!member->is_null()) value.members.push_back({std::string(name), of(*member, with_variables)});
      }
    } else if (node.is_array()) {
      value.is_list = true;
      for (const auto* item : node.items) value.items.push_back(of(*item, with_variables));
    } else if (node.is_boolean()) {
      value.text = node.boolean ? "true" : "false";
    } else if (!node.is_null()) {
      value = with_variables && node.is_string() ? text(std::string(node.text))
                                                 : text_value(std::string(node.text));
    }
    return value;
  }

  FileValue text(std::string written) {
    FileValue value = text_value(std::move(written));
    std::vector<std::string> missing;
    replace_tokens(value.text, environment_, missing);
    if (missing.empty()) return value;
    value.broken = true;
    value.text.clear();
    if (unset_.empty()) unset_ = missing[0];
    return value;
  }

  [[nodiscard]] const std::string& unset() const { return unset_; }

 private:
  const Environment& environment_;
  std::string unset_;
};

FileValue parsed(std::string_view json, RowValues& values, bool with_variables) {
  std::pmr::monotonic_buffer_resource memory;
  const auto node = base::parse_json(json, memory);
  FileValue value = node ? values.of(**node, with_variables) : FileValue{};
  value.is_map = true;
  return value;
}

constexpr std::array<std::string_view, 5> kOwnMembers{"engine", "description", "is_active", "is_frozen",
                                                      "metadata"};

bool is_own(std::string_view name) {
  return std::find(kOwnMembers.begin(), kOwnMembers.end(), name) != kOwnMembers.end();
}

bool is_uri(std::string_view name) {
  return name == "uri" || name == "pg_uri" || name == "uri_env_var" || name == "pg_uri_env_var";
}

FileValue entry_of(const control::ClientRow& row, RowValues& values) {
  FileValue entry;
  entry.is_map = true;
  const auto add = [&](std::string name, FileValue value) {
    entry.members.push_back({std::move(name), std::move(value)});
  };
  add("engine", text_value(row.engine));
  if (row.description) add("description", text_value(*row.description));
  add("is_active", text_value(row.is_active ? "true" : "false"));
  add("is_frozen", text_value(row.is_frozen ? "true" : "false"));
  add("metadata", parsed(row.metadata, values, false));
  bool has_uri = row.pg_uri || row.pg_uri_env_var;
  if (!row.connection.empty()) {
    for (auto& [name, value] : parsed(row.connection, values, true).members) {
      if (is_own(name) || (has_uri && is_uri(name))) continue;
      entry.members.push_back({name, std::move(value)});
    }
  }
  if (row.pg_uri) {
    add("uri", values.text(*row.pg_uri));
  } else if (row.pg_uri_env_var) {
    add("uri_env_var", text_value(*row.pg_uri_env_var));
  } else if (row.config_uri_template &&
             !std::any_of(entry.members.begin(), entry.members.end(),
                          [](const auto& member) { return is_uri(member.name); })) {
    add("uri", values.text(*row.config_uri_template));
  }
  return entry;
}

/// Members are named as they were sent.
std::string without_dot(std::string text) {
  return text.starts_with('.') ? text.substr(1) : text;
}

}  // namespace

ConfiguredClient configured_client(const contract::ClientDefinition& definition, const ClientEntry& entry) {
  ConfiguredClient client;
  auto& row = client.row;
  row.client_name = definition.client_name;
  row.source = "config";
  row.engine = entry.is_postgres ? "postgresql" : std::string(name(definition.engine));
  row.is_active = definition.lifecycle != contract::Lifecycle::inactive;
  row.is_frozen = definition.lifecycle == contract::Lifecycle::frozen;
  if (!definition.description.empty()) row.description = definition.description;
  const bool has_uri = definition.engine == contract::Engine::postgresql;
  FileValue connection;
  connection.is_map = true;
  for (const auto& [name, value] : entry.value.members) {
    if (name == "metadata") {
      row.metadata = json_of(value);
      client.gives_metadata = true;
    } else if (name == "engine") {
      if (!entry.is_postgres) row.engine = value.text;  // an alias stays one
    } else if (name == "is_active") {
      client.gives_active = true;
    } else if (name == "is_frozen") {
      client.gives_frozen = true;
      // An inactive client may be frozen too, which its lifecycle does not show.
      const auto text = base::lower_case(value.text);
      row.is_frozen = definition.lifecycle == contract::Lifecycle::frozen ||
                      (definition.lifecycle == contract::Lifecycle::inactive &&
                       (text == "true" || text == "yes" || text == "on" || text == "1"));
    } else if (name == "description" || name == "description_env_var") {
      client.gives_description = true;
    } else if (has_uri && (name == "uri" || name == "pg_uri")) {
      take_uri(row, written(value));
    } else if (has_uri && is_uri(name)) {
      row.pg_uri_env_var = value.text;
      row.config_uri_template = "${" + value.text + "}";
    } else {
      connection.members.push_back({name, value});
    }
  }
  if (!connection.members.empty()) row.connection = json_of(connection);
  return client;
}

DefinedClient define_client(const control::ClientRow& row, const Config& config, const std::string& data_dir,
                            const Environment& environment) {
  DefinedClient result;
  RowValues values(environment);
  const ClientEntry entry{entry_of(row, values), row.client_name, "", "", false};
  std::vector<ConfigProblem> problems;
  auto definition = read_client(entry, config, environment, problems);
  result.unset_variable = values.unset();
  for (auto& problem : problems) {
    const std::string_view what = problem.what;
    if (what.starts_with(kUnsetBegin) && what.ends_with(kUnsetEnd)) {
      if (result.unset_variable.empty())
        result.unset_variable =
            what.substr(kUnsetBegin.size(), what.size() - kUnsetBegin.size() - kUnsetEnd.size());
      continue;
    }
    problem.key = without_dot(std::move(problem.key));
    result.problems.push_back(std::move(problem));
  }
  if (definition) {
    result.definition = std::move(*definition);
    auto* sqlite = std::get_if<contract::SqliteConnection>(&result.definition.connection);
    if (sqlite != nullptr) resolve_sqlite_path(*sqlite, data_dir);
  } else {
    result.definition.client_name = row.client_name;
    result.definition.description = row.description.value_or("");
    result.definition.engine = contract::engine_from_name(row.engine).value_or(contract::Engine::postgresql);
    result.definition.lifecycle = row.lifecycle();
  }
  const bool by_template =
      !row.pg_uri && !row.pg_uri_env_var && row.connection.find("uri") == std::string::npos;
  if (by_template && row.config_uri_template && control::has_masked_password(*row.config_uri_template))
    result.problems.push_back(
        {"", "config_uri_template", "its password is not in the catalogue; give pg_uri"});
  auto& trouble = result.unusable;
  if (!result.problems.empty()) {
    const auto& first = result.problems[0];
    trouble = first.key.empty() ? first.what : first.key + ": " + first.what;
  } else if (!result.unset_variable.empty()) {
    trouble = std::string(kUnsetBegin) + printable(result.unset_variable, 200) + std::string(kUnsetEnd);
  }
  return result;
}

Error refusal(const ConfigProblem& problem, const control::ClientRow& row) {
  static constexpr std::string_view kNeeded = " is needed";
  std::string member = problem.key;
  auto code = ErrorCode::invalid_value;
  if (member.empty() && problem.what.ends_with(kNeeded)) {
    code = ErrorCode::missing_field;
    member = "connection." + problem.what.substr(0, problem.what.size() - kNeeded.size());
    return Error(code, member + " is needed.").with("member", member);
  }
  if (problem.what == "unknown member" || problem.what.starts_with("must be a plain value") ||
      problem.what.starts_with("must be a mapping") || problem.what.starts_with("must be a list") ||
      problem.what.starts_with("give either"))
    code = ErrorCode::invalid_payload;
  const auto first = member.substr(0, member.find('.'));
  if (is_uri(first) && (row.pg_uri || row.pg_uri_env_var)) {
    member = row.pg_uri ? "pg_uri" : "pg_uri_env_var";
  } else if (!member.empty() && !is_own(first)) {
    member = "connection." + member;
  }
  if (member.empty()) return Error(code, problem.what + ".");
  return Error(code, member + ": " + problem.what + ".").with("member", member);
}

}  // namespace athena::app
