#pragma once

#include <vector>

#include "app/config.h"
#include "app/config_file.h"
#include "app/config_keys.h"

namespace athena::app {

/// Gathers the values of all sources, the weakest first, into Config::values: each source is checked, also
/// where a stronger one hides it.
class ConfigSources {
 public:
  /// Starts with the defaults of the table.
  ConfigSources(Config& config, std::vector<ConfigProblem>& problems);

  void add_file(const ConfigFile& file, const std::string& path);
  void add_environment(const Environment& environment);
  void add_command_line(const ConfigRequest& request);
  /// Clamps to validation_ranges, reports what is unknown and what has no effect, and puts every value into
  /// the configuration. Once, at the end.
  void finish(const ConfigFile& file, const std::string& path);

 private:
  void set(const KeyInfo& key, base::Result<KeyValue, std::string> value, const std::string& origin,
           const std::string& where);
  void set_from_file(const KeyInfo& key, const FileValue& value, const std::string& where);
  void unknown(std::string where, std::string key, std::string what, const std::string& nearest);
  void add_wildcard_pattern(const Environment& environment);
  bool flag(const Environment& environment, const char* variable);
  void clamp(const ConfigFile& file, const std::string& path);
  void clamp_key(const std::string& name, const FileValue& range, const std::string& where);
  void name_ineffective();

  Config& config_;
  std::vector<ConfigProblem>& problems_;
  std::vector<ConfigProblem> unknown_;       // warnings, or problems when strict
  std::vector<std::string> ineffective_;     // what was set and is not built
  std::vector<std::string> without_effect_;  // what was set and never will be
};

}  // namespace athena::app
