#include "app/environment.h"

#include <cstdlib>

#include <fstream>
#include <sstream>

extern char** environ;

namespace athena::app {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

std::map<std::string, std::string> parse_dotenv(std::string_view text) {
  std::map<std::string, std::string> variables;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const auto equals = line.find('=');
    if (line.empty() || line.front() == '#' || equals == std::string_view::npos || equals == 0) continue;
    const auto key = trimmed(line.substr(0, equals));
    auto value = trimmed(line.substr(equals + 1));
    const bool quoted =
        value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
    if (quoted) {
      value = value.substr(1, value.size() - 2);
    } else if (const auto comment = value.find(" #"); comment != std::string_view::npos) {
      value = trimmed(value.substr(0, comment));
    }
    variables[std::string(key)] = std::string(value);
  }
  return variables;
}

Environment Environment::capture(bool read_dotenv) {
  Environment captured({});
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      captured.process_.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  captured.captured_ = true;
  captured.read_dotenv_ = read_dotenv;
  for (const auto& [name, value] : captured.process_) {
    if (name.starts_with("PG")) unsetenv(name.c_str());
  }
  setenv("PGDATESTYLE", "ISO", 1);
  setenv("PGTZ", "UTC", 1);
  // A server may ask libpq for a Kerberos login: none of the account's is there to be shown.
  setenv("KRB5CCNAME", "FILE:/nonexistent/athena", 1);
  setenv("KRB5_CLIENT_KTNAME", "FILE:/nonexistent/athena", 1);
  return captured.refreshed();
}

Environment Environment::refreshed() const {
  Environment fresh(*this);
  if (captured_) fresh.variables_ = process_;  // one that was made from a map has no process behind it
  if (!read_dotenv_) return fresh;
  std::ifstream file(".env");
  if (file) {
    std::ostringstream text;
    text << file.rdbuf();
    for (auto& [name, value] : parse_dotenv(text.str())) fresh.variables_.emplace(name, value);
  }
  return fresh;
}

std::optional<std::string> Environment::get(const std::string& name) const {
  const auto found = variables_.find(name);
  if (found == variables_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

}  // namespace athena::app
