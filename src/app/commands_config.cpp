#include <cstdio>
#include <iostream>

#include "api/json_builder.h"
#include "app/commands.h"
#include "app/config_dump.h"
#include "app/config_keys.h"
#include "app/server.h"
#include "contract/error.h"

namespace athena::app {
namespace {

void print_warnings(const Config& config) {
  for (const auto& warning : config.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
}

/// The line number at the end of `<file>:<line>`, or 0.
std::int64_t line_of(const std::string& where) {
  const auto colon = where.rfind(':');
  if (colon == std::string::npos || colon + 1 == where.size()) return 0;
  const auto digits = where.substr(colon + 1);
  const bool number = digits.size() < 10 && digits.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::stoll(digits) : 0;
}

void write_problem(api::JsonBuilder& json, const ConfigProblem& problem) {
  const auto line = line_of(problem.where);
  json.begin_object();
  if (line > 0) {
    json.member("file", problem.where.substr(0, problem.where.rfind(':'))).member("line", line);
  } else {
    json.member("source", problem.where);
  }
  json.member("key", problem.key).member("message", problem.what).end_object();
}

int check_as_json(const LoadedConfig& loaded) {
  base::Buffer out;
  api::JsonBuilder json(out);
  json.begin_object().member("ok", loaded.problems.empty()).member("config_path", loaded.config.source);
  json.key("errors").begin_array();
  for (const auto& problem : loaded.problems) write_problem(json, problem);
  json.end_array().key("warnings").begin_array();
  for (const auto& warning : loaded.config.warnings) json.value(warning);
  json.end_array().end_object();
  out.push_back('\n');
  const int printed = print(std::string(out.view()));
  return loaded.problems.empty() ? printed : kBadConfiguration;
}

}  // namespace

int config_check_command(const ConfigRequest& request, bool json, const Environment& environment) {
  const auto loaded = read_config(request, environment);
  if (json) return check_as_json(loaded);
  print_warnings(loaded.config);
  if (!loaded.problems.empty()) return report(problems_text(loaded.problems), kBadConfiguration);
  return print("OK\n");
}

int config_dump_command(const ConfigRequest& request, const ConfigDumpOptions& options,
                        const Environment& environment) {
  const auto config = load_config(request, environment);
  if (!config) return report(config.error(), kBadConfiguration);
  print_warnings(*config);
  const auto format = options.format == "json" ? DumpFormat::json : DumpFormat::yaml;
  return print(dump_config(*config, format, options.all));
}

int config_explain_command(const ConfigRequest& request, const std::string& key,
                           const Environment& environment) {
  const auto config = load_config(request, environment);
  if (!config) return report(config.error(), kBadConfiguration);
  if (const auto text = explain_key(*config, key)) return print(*text);
  std::string near;
  for (const auto& name : near_keys(key)) near += (near.empty() ? "; near: " : ", ") + name;
  return report("unknown key " + printable(key, 200) + near, kFailed);
}

}  // namespace athena::app
