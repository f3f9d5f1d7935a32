#include "app/config_sources.h"

#include <algorithm>
#include <charconv>

#include "contract/error.h"

namespace athena::app {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return result;
}

std::string first_or_none(const std::vector<std::string>& names) {
  return names.empty() ? std::string() : names.front();
}

std::string nearest_in(std::string_view section, std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& key : config_keys()) {
    if (key.section == section) names.push_back(key.name);
  }
  const auto near = contract::near_names(name, names);
  return near.empty() ? std::string() : std::string(section) + "." + near.front();
}

void add_once(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

}  // namespace

ConfigSources::ConfigSources(Config& config, std::vector<ConfigProblem>& problems)
    : config_(config), problems_(problems) {
  for (const auto& key : config_keys()) {
    auto& effective = config_.values.emplace_back();
    if (auto value = parse_key(key, key.default_text)) effective.value = std::move(*value);
  }
}

void ConfigSources::set(const KeyInfo& key, base::Result<KeyValue, std::string> value,
                        const std::string& origin, const std::string& where) {
  if (!value) {
    problems_.push_back({where, key.full_name(), value.error()});
    return;
  }
  auto& effective = config_.values[index_of(key)];
  effective.hidden.insert(effective.hidden.begin(), {effective.origin, std::move(effective.value)});
  effective.value = std::move(*value);
  effective.origin = origin;
  if (key.state == KeyState::not_built) add_once(ineffective_, key.full_name());
  if (key.state == KeyState::without_effect) add_once(without_effect_, key.full_name());
}

void ConfigSources::set_from_file(const KeyInfo& key, const FileValue& value, const std::string& where) {
  const auto refuse = [&](const std::string& what) { problems_.push_back({where, key.full_name(), what}); };
  if (value.is_map) {
    if (key.type != KeyType::map) return refuse("must be " + accepted(key));
    std::vector<std::pair<std::string, std::string>> members;
    for (const auto& [name, member] : value.members) {
      if (member.is_map || member.is_list)
        return refuse("must be a map of plain values (" + printable(name, 64) + ")");
      // Each member has a line of its own.
      const auto at = where.substr(0, where.rfind(':') + 1) + std::to_string(member.line);
      if (auto good = parse_map(key, {{name, member.text}}); !good) {
        problems_.push_back({at, key.full_name() + "." + name, good.error()});
        continue;
      }
      members.emplace_back(name, member.text);
    }
    return set(key, parse_map(key, std::move(members)), where, where);
  }
  if (!value.is_list) {
    if (value.text.empty()) return;  // empty text = unset
    if (key.type == KeyType::map) return refuse("must be " + accepted(key));
    return set(key, parse_key(key, value.text), where, where);
  }
  if (key.type != KeyType::list) return refuse("must be " + accepted(key));
  std::vector<std::string> items;
  for (const auto& item : value.items) {
    const auto* text = &item;
    if (item.is_map && !key.item_member.empty() && item.members.size() == 1)
      text = item.find(key.item_member);
    if (text == nullptr || text->is_map || text->is_list) {
      return refuse("must be a list of plain values" +
                    (key.item_member.empty() ? "" : " or of maps with " + std::string(key.item_member)));
    }
    if (!text->text.empty()) items.push_back(text->text);
  }
  set(key, parse_list(key, std::move(items)), where, where);
}

void ConfigSources::unknown(std::string where, std::string key, std::string what,
                            const std::string& nearest) {
  if (!nearest.empty()) what += "; did you mean " + nearest + "?";
  unknown_.push_back({std::move(where), std::move(key), std::move(what)});
}

void ConfigSources::add_file(const ConfigFile& file, const std::string& path) {
  for (const auto& [section, content] : file.sections) {
    const auto at = path + ":" + std::to_string(content.line);
    if (!is_known_section(section)) {
      const auto names = section_names();
      unknown(at, section, "unknown section", first_or_none(contract::near_names(section, names)));
      continue;
    }
    const auto state = section_state(section);
    if (state != KeyState::in_use && !content.keys.empty())
      add_once(state == KeyState::not_built ? ineffective_ : without_effect_, section);
    if (is_free_form(section) || state != KeyState::in_use) continue;
    for (const auto& [name, value] : content.keys) {
      const auto where = path + ":" + std::to_string(value.line);
      if (const auto* key = find_key(section, name)) {
        set_from_file(*key, value, where);
      } else {
        unknown(where, section + "." + name, "unknown key", nearest_in(section, name));
      }
    }
  }
}

bool ConfigSources::flag(const Environment& environment, const char* variable) {
  const auto text = environment.get(variable);
  if (!text) return false;
  KeyInfo key;
  key.type = KeyType::boolean;
  const auto value = parse_key(key, *text);
  if (!value) problems_.push_back({std::string("$") + variable, "", value.error()});
  return value && value->text == "true";
}

void ConfigSources::add_wildcard_pattern(const Environment& environment) {
  if (!flag(environment, "ATHENA_WILDCARD_HOST_ROUTING_ENABLED")) return;
  const auto pattern = environment.get("ATHENA_WILDCARD_HOST_PATTERN");
  if (!pattern) return;
  const auto& key = *find_key("gateway", "wildcard_hosts");
  auto items = config_.values[index_of(key)].value.items;  // one more, beside those that are there
  items.push_back(*pattern);
  set(key, parse_list(key, std::move(items)), "variable ATHENA_WILDCARD_HOST_PATTERN",
      "$ATHENA_WILDCARD_HOST_PATTERN");
}

void ConfigSources::add_environment(const Environment& environment) {
  const auto apply = [&](const std::string& variable, const KeyInfo& key, const std::string& text) {
    if (!text.empty()) set(key, parse_key(key, text), "variable " + variable, "$" + variable);
  };
  for (const auto& named : named_variables()) {
    const auto text = environment.get(std::string(named.variable));
    if (!text) continue;
    apply(std::string(named.variable), *find_key(named.key),
          named.value == nullptr ? *text : named.value(*text));
  }
  for (const auto& key : config_keys()) {
    const auto variable = variable_of(key);
    if (const auto text = environment.get(variable)) apply(variable, key, *text);
  }
  add_wildcard_pattern(environment);
  if (flag(environment, "ATHENA_RATE_LIMIT_TRUST_X_FORWARDED_FOR")) {
    config_.api.trust_every_proxy = true;
    config_.warnings.emplace_back(
        "ATHENA_RATE_LIMIT_TRUST_X_FORWARDED_FOR is set: every peer counts as a trusted proxy, so anybody "
        "may "
        "claim any address in X-Forwarded-For");
  }
  for (const char* variable : {"ATHENA_SUPABASE_URL", "ATHENA_PIPELINES_PATH"}) {
    if (environment.get(variable)) add_once(ineffective_, std::string("$") + variable);
  }

  for (const auto& [variable, text] : environment.all()) {
    if (!variable.starts_with("ATHENA_") || is_reserved_variable(variable)) continue;
    for (const auto section : section_names()) {
      const auto prefix = "ATHENA_" + upper(section) + "_";
      if (is_free_form(section) || section_state(section) != KeyState::in_use ||
          !variable.starts_with(prefix))
        continue;
      std::vector<std::string> names;
      bool known = false;
      for (const auto& key : config_keys()) {
        if (key.section != section) continue;
        names.push_back(variable_of(key));
        known = known || names.back() == variable;
      }
      if (known) continue;
      const std::vector<std::string_view> views(names.begin(), names.end());
      const auto near = contract::near_names(variable, views);
      config_.warnings.push_back("$" + printable(variable, 200) + ": sets no key of " + std::string(section) +
                                 (near.empty() ? "" : "; did you mean " + near.front() + "?"));
    }
  }
}

void ConfigSources::add_command_line(const ConfigRequest& request) {
  const auto apply = [&](const std::string& name, const KeyInfo& key, const std::string& text) {
    set(key, parse_key(key, text), "flag " + name, name);
  };
  if (request.port) apply("--port", *find_key("api.port"), std::to_string(*request.port));
  if (request.bind) apply("--bind", *find_key("api.bind"), *request.bind);
  if (!request.log_level.empty()) apply("--log-level", *find_key("log.level"), request.log_level);
  if (!request.data_dir.empty()) apply("--data-dir", *find_key("api.data_dir"), request.data_dir);
  if (request.strict) apply("--strict", *find_key("config.strict"), "true");
}

void ConfigSources::clamp_key(const std::string& name, const FileValue& range, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    problems_.push_back({where, "validation_ranges." + name, what});
  };
  const auto* key = find_key(name);
  if (key == nullptr)
    return unknown(where, "validation_ranges." + name, "unknown key", first_or_none(near_keys(name)));
  if (key->type != KeyType::integer) return refuse(name + " is not a number");
  if (!range.is_map) return refuse("must be a map with min, max or both");
  auto minimum = key->minimum;
  auto maximum = key->maximum;
  for (const auto& [member, value] : range.members) {
    if (member != "min" && member != "max") return refuse("has only min and max, not " + member);
    const auto number = value.is_map || value.is_list ? base::Result<KeyValue, std::string>(std::string())
                                                      : parse_key(*key, value.text);
    if (!number) return refuse(member + " must be " + accepted(*key));
    (member == "min" ? minimum : maximum) = std::stoll(number->text);
  }
  if (minimum > maximum) return refuse("min is above max");
  auto& effective = config_.values[index_of(*key)];
  const auto given = std::stoll(effective.value.text);
  const auto clamped = std::clamp<std::int64_t>(given, minimum, maximum);
  if (clamped == given) return;
  config_.warnings.push_back(name + ": " + std::to_string(given) + " (" + effective.origin +
                             ") is outside its validation_ranges, " + std::to_string(minimum) + " to " +
                             std::to_string(maximum) + "; " + std::to_string(clamped) + " is used");
  KeyValue value;
  value.text = std::to_string(clamped);
  set(*key, std::move(value), where, where);
}

void ConfigSources::clamp(const ConfigFile& file, const std::string& path) {
  const auto found = file.sections.find("validation_ranges");
  if (found == file.sections.end()) return;
  for (const auto& [name, range] : found->second.keys)
    clamp_key(name, range, path + ":" + std::to_string(range.line));
}

void ConfigSources::name_ineffective() {
  for (const auto& name : without_effect_)
    config_.warnings.push_back(name + " is accepted, but has no effect");
  if (ineffective_.empty()) return;
  std::string list;
  for (const auto& name : ineffective_) list += (list.empty() ? "" : ", ") + name;
  config_.warnings.push_back("has no effect in this version: " + list);
}

void ConfigSources::finish(const ConfigFile& file, const std::string& path) {
  clamp(file, path);
  name_ineffective();
  const bool strict = config_.values[index_of(*find_key("config.strict"))].value.text == "true";
  for (auto& problem : unknown_) {
    if (strict) {
      problems_.push_back(std::move(problem));
    } else {
      config_.warnings.push_back(problem.text());
    }
  }
  const auto& values = config_.values;
  for (const auto& key : config_keys()) apply_value(config_, key, values[index_of(key)].value);
}

}  // namespace athena::app
