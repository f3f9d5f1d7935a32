#include "app/config_file.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/config_keys.h"
#include "base/utf8.h"

namespace athena::app {
namespace {

constexpr std::size_t kMaxBytes = 1024UL * 1024;
constexpr std::size_t kValueBytes =
    4;  // counted besides a value's text, so that many empty ones are bounded too
constexpr std::size_t kMaxProblems = 200;
constexpr int kMaxDepth = 8;

/// The line of the first byte that is no UTF-8, or 0.
int first_bad_line(std::string_view text) {
  if (base::is_utf8(text)) return 0;
  int line = 1;
  while (true) {
    const auto end = text.find('\n');
    if (!base::is_utf8(text.substr(0, end)) || end == std::string_view::npos) return line;
    text.remove_prefix(end + 1);
    ++line;
  }
}

class Reader {
 public:
  Reader(const std::string& path, const Environment& environment, std::vector<ConfigProblem>& problems)
      : path_(path), environment_(environment), problems_(problems) {}

  ConfigFile read(const YAML::Node& root) {
    ConfigFile file;
    if (root.IsNull()) return file;
    if (!root.IsMap()) {
      fail(1, "", "the file must be a mapping of sections");
      return file;
    }
    for (const auto& entry : root) {
      if (too_large_) break;
      const auto name = key_name(entry.first, "");
      if (name.empty()) continue;
      const auto [place, fresh] = file.sections.try_emplace(name);
      auto& section = place->second;
      if (!fresh) {
        fail(line(entry.first), name, "given twice, first in line " + std::to_string(section.line));
        continue;
      }
      section.line = line(entry.first);
      read_section(section, name, entry.second);
    }
    return file;
  }

 private:
  static int line(const YAML::Node& node) { return node.Mark().line + 1; }
  void fail(int at, const std::string& key, const std::string& what) {
    if (problems_.size() < kMaxProblems) problems_.push_back({path_ + ":" + std::to_string(at), key, what});
  }

  /// A mapping, or a list of one-key maps.
  void read_section(FileSection& section, const std::string& name, const YAML::Node& node) {
    if (node.IsMap()) {
      add_map(section.keys, name, node);
    } else if (node.IsSequence()) {
      for (const auto& item : node) {
        if (item.IsMap()) {
          add_map(section.keys, name, item);
        } else {
          fail(line(item), name, "each entry of the list must be a one-key map");
        }
      }
    } else if (!node.IsNull()) {
      fail(line(node), name, "must be a mapping or a list of one-key maps");
    }
  }

  /// The text of a mapping's key; empty (and reported) when it is none.
  std::string key_name(const YAML::Node& node, const std::string& inside) {
    if (!node.IsScalar() || node.Scalar().empty()) {
      fail(line(node), inside, "a name is expected here");
      return {};
    }
    count(line(node), node.Scalar().size());
    return printable(node.Scalar(), 200);
  }

  void add_map(std::vector<FileMember>& keys, const std::string& section, const YAML::Node& map) {
    const bool free_form = is_free_form(section);
    for (const auto& entry : map) {
      if (too_large_) return;
      const auto key = key_name(entry.first, section);
      if (key.empty()) continue;
      const auto* known = find_key(section, key);
      const bool nested =
          !free_form && entry.second.IsMap() && (known == nullptr || known->type != KeyType::map);
      if (nested) {
        add_nested(keys, section, key, entry.second, 1);
      } else {
        add_value(keys, section, key, line(entry.first), entry.second);
      }
    }
  }

  /// `gateway: {admission: {window_secs: 1}}` is `gateway.admission_window_secs`.
  void add_nested(std::vector<FileMember>& keys, const std::string& section, const std::string& prefix,
                  const YAML::Node& map, int depth) {
    if (depth > kMaxDepth) {
      fail(line(map), section + "." + prefix, "nested too deeply");
      return;
    }
    for (const auto& entry : map) {
      if (too_large_) return;
      const auto name = key_name(entry.first, section + "." + prefix);
      if (name.empty()) continue;
      const auto key = prefix + "_" + name;
      if (entry.second.IsMap()) {
        add_nested(keys, section, key, entry.second, depth + 1);
      } else {
        add_value(keys, section, key, line(entry.first), entry.second);
      }
    }
  }

  void add_value(std::vector<FileMember>& keys, const std::string& section, const std::string& key, int at,
                 const YAML::Node& node) {
    // Client names are compared without case, but reported where clients are read.
    const auto earlier =
        std::find_if(keys.begin(), keys.end(), [&](const auto& entry) { return entry.name == key; });
    if (earlier != keys.end()) {
      fail(at, section + "." + key, "given twice, first in line " + std::to_string(earlier->value.line));
      return;
    }
    keys.push_back({key, value(section + "." + key, at, node, 0)});
  }

  FileValue value(const std::string& name, int at, const YAML::Node& node, int depth) {
    FileValue result;
    result.line = at;
    count(at, kValueBytes);
    if (too_large_) return result;
    if (depth > kMaxDepth) {
      fail(at, name, "nested too deeply");
    } else if (node.IsMap()) {
      result.is_map = true;
      for (const auto& entry : node) {
        const auto member = key_name(entry.first, name);
        if (member.empty()) continue;
        if (const auto* earlier = result.find(member)) {
          fail(line(entry.first), name + "." + member,
               "given twice, first in line " + std::to_string(earlier->line));
          continue;
        }
        result.members.push_back(
            {member, value(name + "." + member, line(entry.first), entry.second, depth + 1)});
        if (too_large_) break;
      }
    } else if (node.IsSequence()) {
      result.is_list = true;
      for (const auto& item : node) {
        result.items.push_back(value(name, line(item), item, depth + 1));
        if (too_large_) break;
      }
    } else if (node.IsScalar()) {
      result.text = scalar(name, at, node, result.broken);
    }
    return result;
  }

  std::string scalar(const std::string& name, int at, const YAML::Node& node, bool& broken) {
    auto text = node.Scalar();
    count(at, text.size());
    if (text.find('\0') != std::string::npos) {
      fail(at, name, "holds a NUL byte");
      return {};
    }
    std::vector<std::string> missing;
    replace_tokens(text, environment_, missing);
    for (const auto& variable : missing)
      fail(at, name, "environment variable " + printable(variable, 200) + " is not set");
    broken = !missing.empty();
    return broken ? std::string() : text;
  }

  /// Aliases make a small text large: what they stand for counts each time, and reading stops at the limit.
  void count(int at, std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ <= kMaxBytes || too_large_) return;
    too_large_ = true;
    fail(at, "", "the file is larger than 1 MiB");
  }

  const std::string& path_;
  const Environment& environment_;
  std::vector<ConfigProblem>& problems_;
  std::size_t bytes_ = 0;
  bool too_large_ = false;
};

}  // namespace

const FileValue* FileValue::find(std::string_view name) const {
  for (const auto& [key, value] : members) {
    if (key == name) return &value;
  }
  return nullptr;
}

void replace_tokens(std::string& text, const Environment& environment, std::vector<std::string>& missing) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (text.compare(at, 3, "$${") == 0) {
      result += "${";
      at += 3;
      continue;
    }
    const auto end = text.compare(at, 2, "${") == 0 ? text.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      result += text[at++];
      continue;
    }
    const auto token = text.substr(at + 2, end - at - 2);
    const auto fallback = token.find(":-");
    const auto name = token.substr(0, fallback);
    const auto found = environment.all().find(name);
    const bool set = found != environment.all().end();
    if (set && (fallback == std::string::npos || !found->second.empty())) {
      result += found->second;  // `:-` stands in for an empty one too, as in a shell
    } else if (fallback != std::string::npos) {
      result += token.substr(fallback + 2);
    } else {
      missing.push_back(name);
    }
    at = end + 1;
  }
  text = std::move(result);
}

ConfigFile parse_config_file(const std::string& path, const std::string& text, const Environment& environment,
                             std::vector<ConfigProblem>& problems) {
  if (text.size() > kMaxBytes) {
    problems.push_back({path, "", "the file is larger than 1 MiB"});
    return {};
  }
  if (const auto line = first_bad_line(text); line > 0) {
    problems.push_back({path + ":" + std::to_string(line), "", "the file is not UTF-8"});
    return {};
  }
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.size() > 1) {
      problems.push_back(
          {path + ":" + std::to_string(documents[1].Mark().line + 1), "", "the file must be one document"});
      return {};
    }
    if (documents.empty()) return {};
    return Reader(path, environment, problems).read(documents.front());
  } catch (const YAML::Exception& problem) {
    problems.push_back({path + ":" + std::to_string(problem.mark.line + 1), "", problem.msg});
    return {};
  }
}

std::vector<LookupPlace> lookup_places(const Environment& environment) {
  struct Place {
    const char *variable, *folder, *label;
  };
  static constexpr std::array<Place, 8> kPlaces{{
      {"APPDATA", "/athena", "Windows AppData"},
      {"LOCALAPPDATA", "/athena", "Windows Local AppData"},
      {"USERPROFILE", "/.athena", "Windows user profile"},
      {"XDG_CONFIG_HOME", "/athena", "XDG config home"},
      {"HOME", "/.config/athena", "Home config (.config)"},
      {"HOME", "/.athena", "Home config (.athena)"},
      {"HOME", "/Library/Application Support/athena", "macOS Application Support"},
      {nullptr, "", "Current working directory"},
  }};
  std::vector<LookupPlace> result;
  for (const auto& place : kPlaces) {
    LookupPlace found{place.label, {}, {}, {}};
    if (place.variable == nullptr) {
      std::error_code error;
      found.path = (std::filesystem::current_path(error) / "config.yaml").string();
    } else if (const auto folder = environment.get(place.variable)) {
      found.path = *folder + place.folder + "/config.yaml";
    } else {
      found.shown = std::string("$") + place.variable + place.folder + "/config.yaml";
      found.state = std::string("skipped, $") + place.variable + " is not set";
      result.push_back(std::move(found));
      continue;
    }
    const bool repeated = std::any_of(result.begin(), result.end(),
                                      [&](const auto& earlier) { return earlier.path == found.path; });
    if (repeated) continue;
    found.shown = found.path;
    std::error_code error;
    if (!std::filesystem::is_regular_file(found.path, error)) {
      found.state = "not found";
    } else if (access(found.path.c_str(), R_OK) != 0) {
      found.state = std::string("not readable: ") + std::strerror(errno);
    } else {
      found.state = "found";
    }
    result.push_back(std::move(found));
  }
  return result;
}

}  // namespace athena::app
