#include "app/config_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unordered_map>

#include "app/config_keys.h"
#include "app/yaml.h"
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

  ConfigFile read(const YamlNode& root) {
    ConfigFile file;
    if (root.kind == Kind::null) return file;
    if (root.kind != Kind::map) {
      fail(1, "", "the file must be a mapping of sections");
      return file;
    }
    for (const auto& [key, body] : root.members) {
      if (too_large_) break;
      const auto name = key_name(*key, "");
      if (name.empty()) continue;
      const auto [place, fresh] = file.sections.try_emplace(name);
      auto& section = place->second;
      if (!fresh) {
        fail(key->line, name, "given twice, first in line " + std::to_string(section.line));
        continue;
      }
      section.line = key->line;
      read_section(section, name, *body);
    }
    return file;
  }

 private:
  using Kind = YamlNode::Kind;

  /// Members under the names they have been given, and the line of each name.
  struct Keys {
    std::vector<FileMember> members;
    std::unordered_map<std::string, int> lines;
  };

  void fail(int at, const std::string& key, const std::string& what) {
    if (problems_.size() < kMaxProblems) problems_.push_back({path_ + ":" + std::to_string(at), key, what});
  }

  /// A mapping, or a list of one-key maps.
  void read_section(FileSection& section, const std::string& name, const YamlNode& node) {
    Keys keys;
    if (node.kind == Kind::map) {
      add_map(keys, name, node);
    } else if (node.kind == Kind::list) {
      for (const auto* item : node.items) {
        if (item->kind == Kind::map) {
          add_map(keys, name, *item);
        } else {
          fail(item->line, name, "each entry of the list must be a one-key map");
        }
      }
    } else if (node.kind != Kind::null) {
      fail(node.line, name, "must be a mapping or a list of one-key maps");
    }
    section.keys = std::move(keys.members);
  }

  /// The text of a mapping's key; empty (and reported) when it is none.
  std::string key_name(const YamlNode& node, const std::string& inside) {
    if (node.kind != Kind::scalar || node.text.empty()) {
      fail(node.line, inside, "a name is expected here");
      return {};
    }
    count(node.line, node.text.size());
    return printable(node.text, 200);
  }

  void add_map(Keys& keys, const std::string& section, const YamlNode& map) {
    const bool free_form = is_free_form(section);
    for (const auto& [name, node] : map.members) {
      if (too_large_) return;
      const auto key = key_name(*name, section);
      if (key.empty()) continue;
      const auto* known = find_key(section, key);
      const bool nested =
          !free_form && node->kind == Kind::map && (known == nullptr || known->type != KeyType::map);
      if (nested) {
        add_nested(keys, section, key, *node, 1);
      } else {
        add_value(keys, section, key, name->line, *node);
      }
    }
  }

  /// `gateway: {admission: {window_secs: 1}}` is `gateway.admission_window_secs`.
  void add_nested(Keys& keys, const std::string& section, const std::string& prefix, const YamlNode& map,
                  int depth) {
    if (depth > kMaxDepth) {
      fail(map.line, section + "." + prefix, "nested too deeply");
      return;
    }
    for (const auto& [key_node, node] : map.members) {
      if (too_large_) return;
      const auto name = key_name(*key_node, section + "." + prefix);
      if (name.empty()) continue;
      const auto key = prefix + "_" + name;
      if (node->kind == Kind::map) {
        add_nested(keys, section, key, *node, depth + 1);
      } else {
        add_value(keys, section, key, key_node->line, *node);
      }
    }
  }

  void add_value(Keys& keys, const std::string& section, const std::string& key, int at,
                 const YamlNode& node) {
    // Client names are compared without case, but reported where clients are read.
    const auto [earlier, fresh] = keys.lines.try_emplace(key, at);
    if (!fresh) {
      fail(at, section + "." + key, "given twice, first in line " + std::to_string(earlier->second));
      return;
    }
    keys.members.push_back({key, value(section + "." + key, at, node, 0)});
  }

  FileValue value(const std::string& name, int at, const YamlNode& node, int depth) {
    FileValue result;
    result.line = at;
    count(at, kValueBytes);
    if (too_large_) return result;
    if (depth > kMaxDepth) {
      fail(at, name, "nested too deeply");
    } else if (node.kind == Kind::map) {
      result.is_map = true;
      Keys keys;
      for (const auto& [key, member] : node.members) {
        const auto member_name = key_name(*key, name);
        if (member_name.empty()) continue;
        const auto [earlier, fresh] = keys.lines.try_emplace(member_name, key->line);
        if (!fresh) {
          fail(key->line, name + "." + member_name,
               "given twice, first in line " + std::to_string(earlier->second));
          continue;
        }
        keys.members.push_back({member_name, value(name + "." + member_name, key->line, *member, depth + 1)});
        if (too_large_) break;
      }
      result.members = std::move(keys.members);
    } else if (node.kind == Kind::list) {
      result.is_list = true;
      for (const auto* item : node.items) {
        result.items.push_back(value(name, item->line, *item, depth + 1));
        if (too_large_) break;
      }
    } else if (node.kind == Kind::scalar) {
      result.text = scalar(name, at, node, result.broken);
      if (result.text != node.text) result.written = node.text;
    }
    return result;
  }

  std::string scalar(const std::string& name, int at, const YamlNode& node, bool& broken) {
    auto text = node.text;
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
  const auto parsed = parse_yaml(text);
  if (const auto* error = std::get_if<YamlError>(&parsed)) {
    problems.push_back({path + ":" + std::to_string(error->line), "", error->what});
    return {};
  }
  const auto* root = std::get<YamlDocument>(parsed).root;
  return root == nullptr ? ConfigFile{} : Reader(path, environment, problems).read(*root);
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
