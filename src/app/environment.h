#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace athena::app {

/// A copy of the process environment, taken before any thread runs. `${VAR}` tokens and overrides read it.
class Environment {
 public:
  /// Copies the environment, reads `.env` of the working directory when asked (which never replaces a
  /// variable that is set), then removes every PG* variable from the process, so that no database library
  /// borrows an address or a credential, and sets PGDATESTYLE and PGTZ for connections that may not send
  /// start-up options.
  static Environment capture(bool read_dotenv);
  explicit Environment(std::map<std::string, std::string> variables) : variables_(std::move(variables)) {}
  /// What a capture would give now: the process's variables as they were when this one was captured, PG* ones
  /// too, and `.env` as it is now. Changes nothing in the process; any thread.
  [[nodiscard]] Environment refreshed() const;

  /// The variable's value; an empty one counts as unset.
  [[nodiscard]] std::optional<std::string> get(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, std::string>& all() const { return variables_; }

 private:
  std::map<std::string, std::string> variables_;
  std::map<std::string, std::string> process_;  // without .env
  bool captured_ = false;
  bool read_dotenv_ = false;
};

/// `NAME=value` lines with `#` comments, optional `export ` and quotes; what is no assignment is skipped.
std::map<std::string, std::string> parse_dotenv(std::string_view text);

}  // namespace athena::app
