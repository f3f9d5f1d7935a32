#pragma once

#include <functional>
#include <string>
#include <vector>

namespace athena::app {

/// A flag or argument as help, completion and manual page show it.
struct OptionDoc {
  std::vector<std::string> names;  ///< `-h`, `--help`; the bare name of a positional argument
  bool positional = false;
  std::string argument;  ///< `PATH`; empty = takes none
  std::string description;
  std::vector<std::string> choices = {};
};

/// A command with what it takes; the root of the tree is the program.
struct CommandDoc {
  std::string name;
  std::string description;
  std::vector<OptionDoc> options;
  std::vector<CommandDoc> commands;
};

/// Reads the command line, runs the command it names and returns the exit code.
int run_command_line(int argc, char** argv);

/// The tree that run_command_line reads, without what is hidden.
CommandDoc describe_command_line();

/// A completion script of that tree; `shell` is bash, zsh or fish.
std::string completion_script(const CommandDoc& program, const std::string& shell);
/// The manual page athena(1) of that tree.
std::string manual_page(const CommandDoc& program, const std::string& version);

}  // namespace athena::app
