#include "app/config_file.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace athena::app {
namespace {

constexpr std::size_t kMaxBytes = 1024UL * 1024;

class Reader {
 public:
  Reader(std::string path, const Environment& environment, std::vector<std::string>& errors)
      : path_(std::move(path)), environment_(environment), errors_(errors) {}

  ConfigFile read(const YAML::Node& root) {
    ConfigFile file;
    if (root.IsNull()) return file;
    if (!root.IsMap()) {
      fail(1, "the file must be a mapping of sections");
      return file;
    }
    for (const auto& section : root) {
      const auto section_name = section.first.as<std::string>();
      // Each section is a mapping, or a list of one-key maps.
      auto& keys = file.sections[section_name];
      if (section.second.IsMap()) {
        add_map(keys, section_name, section.second);
      } else if (section.second.IsSequence()) {
        for (const auto& item : section.second) {
          if (item.IsMap()) {
            add_map(keys, section_name, item);
          } else {
            fail(line(item), section_name + ": each entry of the list must be a one-key map");
          }
        }
      } else if (!section.second.IsNull()) {
        fail(line(section.second), section_name + ": must be a mapping or a list of one-key maps");
      }
    }
    return file;
  }

 private:
  static int line(const YAML::Node& node) { return node.Mark().line + 1; }
  void fail(int at, const std::string& what) {
    errors_.push_back(path_ + ":" + std::to_string(at) + ": " + what);
  }

  void add_map(std::vector<FileMember>& keys, const std::string& section, const YAML::Node& map) {
    const bool free_form = section == "clients" || section == "postgres_clients";
    for (const auto& entry : map) {
      const auto key = entry.first.as<std::string>();
      const auto nested = !free_form && entry.second.IsMap() && !is_map_key(section, key);
      if (nested) {
        add_nested(keys, section, key, entry.second);
      } else {
        add_value(keys, section, key, line(entry.first), entry.second);
      }
    }
  }

  static bool is_map_key(const std::string& section, const std::string& key) {
    return section == "api" && key == "admin_keys";
  }

  /// `gateway: {admission: {window_secs: 1}}` is `gateway.admission_window_secs`.
  void add_nested(std::vector<FileMember>& keys, const std::string& section, const std::string& prefix,
                  const YAML::Node& map) {
    for (const auto& entry : map) {
      const auto key = prefix + "_" + entry.first.as<std::string>();
      if (entry.second.IsMap()) {
        add_nested(keys, section, key, entry.second);
      } else {
        add_value(keys, section, key, line(entry.first), entry.second);
      }
    }
  }

  void add_value(std::vector<FileMember>& keys, const std::string& section, const std::string& key, int at,
                 const YAML::Node& node) {
    const auto earlier =
        std::find_if(keys.begin(), keys.end(), [&](const auto& entry) { return entry.name == key; });
    if (earlier != keys.end()) {
      fail(at, section + "." + key + ": given twice, first in line " + std::to_string(earlier->value.line));
      return;
    }
    keys.push_back({key, value(section + "." + key, at, node, 0)});
  }

  FileValue value(const std::string& name, int at, const YAML::Node& node, int depth) {
    FileValue result;
    result.line = at;
    if (depth > 8) {
      fail(at, name + ": nested too deeply");
    } else if (node.IsMap()) {
      result.is_map = true;
      for (const auto& entry : node) {
        const auto member = entry.first.as<std::string>();
        if (result.find(member) != nullptr) fail(line(entry.first), name + "." + member + ": given twice");
        result.members.push_back(
            {member, value(name + "." + member, line(entry.first), entry.second, depth + 1)});
      }
    } else if (node.IsSequence()) {
      result.is_list = true;
      for (const auto& item : node) {
        if (!item.IsScalar()) {
          fail(line(item), name + ": a list of plain values is expected");
          continue;
        }
        if (!result.text.empty()) result.text += ',';
        result.text += scalar(name, line(item), item);
      }
    } else if (node.IsScalar()) {
      result.text = scalar(name, at, node);
    }
    return result;
  }

  std::string scalar(const std::string& name, int at, const YAML::Node& node) {
    auto text = node.Scalar();
    bytes_ += text.size();
    if (bytes_ > kMaxBytes && !too_large_) {
      too_large_ = true;
      fail(at, "the file is larger than 1 MiB");
    }
    std::string missing;
    if (!replace_tokens(text, environment_, missing)) {
      fail(at, name + ": environment variable " + missing + " is not set");
      text.clear();
    }
    return text;
  }

  std::string path_;
  const Environment& environment_;
  std::vector<std::string>& errors_;
  std::size_t bytes_ = 0;
  bool too_large_ = false;
};

}  // namespace

const FileValue* FileValue::find(const std::string& name) const {
  for (const auto& [key, value] : members) {
    if (key == name) return &value;
  }
  return nullptr;
}

bool replace_tokens(std::string& text, const Environment& environment, std::string& missing) {
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
    if (const auto value = environment.get(name)) {
      result += *value;
    } else if (fallback != std::string::npos) {
      result += token.substr(fallback + 2);
    } else {
      missing = name;
      return false;
    }
    at = end + 1;
  }
  text = std::move(result);
  return true;
}

ConfigFile parse_config_file(const std::string& path, const std::string& text, const Environment& environment,
                             std::vector<std::string>& errors) {
  if (text.size() > kMaxBytes) {
    errors.push_back(path + ": the file is larger than 1 MiB");
    return {};
  }
  try {
    return Reader(path, environment, errors).read(YAML::Load(text));
  } catch (const YAML::Exception& problem) {
    errors.push_back(path + ":" + std::to_string(problem.mark.line + 1) + ": " + problem.msg);
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
    LookupPlace found{place.label, {}, {}};
    if (place.variable == nullptr) {
      std::error_code error;
      found.path = (std::filesystem::current_path(error) / "config.yaml").string();
    } else if (const auto folder = environment.get(place.variable)) {
      found.path = *folder + place.folder + "/config.yaml";
    } else {
      found.state = std::string("skipped, $") + place.variable + " is not set";
      result.push_back(std::move(found));
      continue;
    }
    const bool repeated = std::any_of(result.begin(), result.end(),
                                      [&](const auto& earlier) { return earlier.path == found.path; });
    if (repeated) continue;
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
