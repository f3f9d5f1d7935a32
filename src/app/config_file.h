#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/environment.h"
#include "base/result.h"

namespace athena::app {

/// One value of the file, whatever its section: scalars and lists as text (lists comma separated), maps with
/// members.
struct FileMember;

struct FileValue {
  int line = 0;
  bool is_map = false;
  bool is_list = false;
  std::string text;
  std::vector<FileMember> members;

  [[nodiscard]] const FileValue* find(const std::string& name) const;
};

struct FileMember {
  std::string name;
  FileValue value;
};

/// The file as sections of keys; list form and mapping form are the same here.
struct ConfigFile {
  std::map<std::string, std::vector<FileMember>> sections;
};

/// Parses YAML text (at most 1 MiB after aliases) and replaces `${NAME}`, `${NAME:-text}` and `$${` in every
/// string. All mistakes go to `errors` as `<path>:<line>: <what>`; unset variables in one message each.
ConfigFile parse_config_file(const std::string& path, const std::string& text, const Environment& environment,
                             std::vector<std::string>& errors);

/// Replaces the tokens of one string; false when a variable is unset (its name is then in `missing`).
bool replace_tokens(std::string& text, const Environment& environment, std::string& missing);

/// One of the eight places where config.yaml is looked for.
struct LookupPlace {
  std::string label;
  std::string path;   ///< empty when its variable is unset
  std::string state;  ///< found, not found, `skipped, $VAR is not set`, `not readable: reason`
};
std::vector<LookupPlace> lookup_places(const Environment& environment);

}  // namespace athena::app
