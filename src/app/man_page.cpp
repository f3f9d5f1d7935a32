#include "app/command_line.h"
#include "app/config_keys.h"

namespace athena::app {
namespace {

/// Text of a manual page: roff's own characters escaped.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else if (c == '.' && (out.empty() || out.back() == '\n')) {
      out += "\\&.";
    } else {
      out += c;
    }
  }
  return out;
}

void add_option(std::string& out, const OptionDoc& option) {
  out += ".TP\n";
  std::string names;
  for (const auto& name : option.names)
    names +=
        (names.empty() ? "" : ", ") + std::string(option.positional ? "\\fI" : "\\fB") + roff(name) + "\\fR";
  if (!option.argument.empty() && !option.positional) names += " \\fI" + roff(option.argument) + "\\fR";
  out += names + "\n" + roff(option.description) + ".";
  if (!option.choices.empty()) {
    std::string choices;
    for (const auto& choice : option.choices) choices += (choices.empty() ? "" : ", ") + choice;
    out += " One of " + roff(choices) + ".";
  }
  out += "\n";
}

bool is_help(const OptionDoc& option) {
  return option.names.back() == "--help";
}

void add_command(std::string& out, const CommandDoc& command, const std::string& before) {
  const auto path = before + " " + command.name;
  if (command.commands.empty()) {
    out += ".SS " + roff(path);
    for (const auto& option : command.options) {
      if (option.positional) out += " " + roff(option.names.front());
    }
    out += "\n" + roff(command.description) + ".\n";
    for (const auto& option : command.options) {
      if (!is_help(option)) add_option(out, option);
    }
  }
  for (const auto& inner : command.commands) add_command(out, inner, path);
}

void add_entry(std::string& out, const std::string& name, const std::string& text) {
  out += ".TP\n\\fB" + roff(name) + "\\fR\n" + roff(text) + "\n";
}

}  // namespace

std::string manual_page(const CommandDoc& program, const std::string& version) {
  std::string out = ".TH ATHENA 1 \"\" \"athena " + roff(version) +
                    "\" \"User Commands\"\n.SH NAME\nathena \\- " +
                    "a database gateway: HTTP and JSON in front of PostgreSQL and SQLite\n.SH SYNOPSIS\n" +
                    "\\fBathena\\fR [\\fIflags\\fR] \\fIcommand\\fR [\\fIarguments\\fR]\n.SH COMMANDS\n";
  for (const auto& command : program.commands) add_command(out, command, "athena");
  out += ".SH FLAGS\nThey stand before or behind the command.\n";
  for (const auto& option : program.options) add_option(out, option);
  out += ".SH EXIT STATUS\n";
  add_entry(out, "0", "Done; for server: drained, and nothing was cut.");
  add_entry(out, "1", "The action failed; server: requests were cut at the drain limit.");
  add_entry(out, "2", "Usage: unknown flag or command, missing argument.");
  add_entry(out, "3", "Configuration: not found, not parsed, invalid, unset variable.");
  add_entry(out, "4", "Cannot start: port in use, data folder not writable.");
  add_entry(out, "130", "Interrupted before the command finished.");
  out += ".SH ENVIRONMENT\n";
  add_entry(out, "ATHENA_<SECTION>_<KEY>",
            "Overrides the key of the configuration file, as ATHENA_GATEWAY_MAX_ROWS.");
  add_entry(out, "ATHENA_CONFIG_PATH", "The configuration file, unless --config names one.");
  add_entry(out, "ATHENA_KEY_12", "The admin key.");
  add_entry(out, "ATHENA_URL, ATHENA_API_KEY, ATHENA_CLIENT", "Defaults of the command fetch.");
  for (const auto& named : named_variables())
    add_entry(out, std::string(named.variable), "Sets " + std::string(named.key) + ".");
  out += ".SH FILES\n";
  add_entry(out, "$XDG_CONFIG_HOME/athena/config.yaml",
            "The configuration; one of eight places that are looked at.");
  add_entry(out, "config/clients.json", "Databases that the commands know by name.");
  add_entry(out, "/var/lib/athena", "The data folder, when it is there and writable.");
  return out;
}

}  // namespace athena::app
