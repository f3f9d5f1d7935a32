#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/environment.h"

namespace athena::app {

struct FileMember;

/// One value of the file: a scalar as text, a list of values, or a map with members.
struct FileValue {
  int line = 0;
  bool is_map = false;
  bool is_list = false;
  bool broken = false;  ///< reported already: an unset variable
  std::string text;
  std::string written;  ///< the text before its variables were replaced; empty = it has none
  std::vector<FileValue> items;
  std::vector<FileMember> members;

  [[nodiscard]] const FileValue* find(std::string_view name) const;
};

struct FileMember {
  std::string name;
  FileValue value;
};

struct FileSection {
  int line = 0;
  std::vector<FileMember> keys;
};

/// The file as sections of keys; list form and mapping form are the same here, and nested maps are flattened
/// with `_` where the names are Athena's own.
struct ConfigFile {
  std::map<std::string, FileSection> sections;
};

/// Parses YAML text (at most 1 MiB after aliases) and replaces `${NAME}`, `${NAME:-text}` and `$${` in every
/// string. All mistakes go to `problems`, with their lines. Bounded in time, memory and depth whatever the
/// text.
ConfigFile parse_config_file(const std::string& path, const std::string& text, const Environment& environment,
                             std::vector<ConfigProblem>& problems);

/// Replaces the tokens of one string. Names of unset variables without a default go to `missing`.
void replace_tokens(std::string& text, const Environment& environment, std::vector<std::string>& missing);

/// One of the eight places where config.yaml is looked for.
struct LookupPlace {
  std::string label;
  std::string path;   ///< empty when its variable is unset
  std::string shown;  ///< the path for people: with the variable's name where it is unset
  std::string state;  ///< found, not found, `skipped, $VAR is not set`, `not readable: reason`
};
std::vector<LookupPlace> lookup_places(const Environment& environment);

}  // namespace athena::app
