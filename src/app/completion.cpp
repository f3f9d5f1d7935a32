#include <algorithm>
#include <set>
#include <utility>

#include "app/command_line.h"

namespace athena::app {
namespace {

/// Every command with the path that leads to it (`athena config dump`), the program first.
using Paths = std::vector<std::pair<std::string, const CommandDoc*>>;

void collect(const CommandDoc& command, const std::string& before, Paths& paths) {
  const auto path = before.empty() ? command.name : before + " " + command.name;
  paths.emplace_back(path, &command);
  for (const auto& inner : command.commands) collect(inner, path, paths);
}

Paths paths_of(const CommandDoc& program) {
  Paths paths;
  collect(program, "", paths);
  return paths;
}

bool takes_file(const OptionDoc& option) {
  return option.argument == "PATH" || option.argument == "DIR";
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

/// In single quotes, for all three shells: what is said here never has any.
std::string quoted(std::string text) {
  std::erase(text, '\'');
  return "'" + text + "'";
}

std::string path_cases(const Paths& paths, const char* between) {
  std::string text;
  for (const auto& [path, command] : paths) {
    if (path.find(' ') != std::string::npos) text += (text.empty() ? "" : between) + quoted(path);
  }
  return text;
}

/// Options that take an argument, by what completes it: files, words, or nothing.
struct Arguments {
  std::set<std::string> files, others;
  std::vector<std::pair<std::string, std::string>> words;  // pattern and its words
};

Arguments arguments_of(const Paths& paths, const char* between) {
  Arguments result;
  for (const auto& [path, command] : paths) {
    for (const auto& option : command->options) {
      if (option.positional || option.argument.empty()) continue;
      if (!option.choices.empty()) {
        std::pair<std::string, std::string> entry{joined(option.names, between), joined(option.choices, " ")};
        if (std::find(result.words.begin(), result.words.end(), entry) == result.words.end())
          result.words.push_back(std::move(entry));
        continue;
      }
      auto& set = takes_file(option) ? result.files : result.others;
      set.insert(option.names.begin(), option.names.end());
    }
  }
  return result;
}

/// What may follow a command: its commands, its flags, those of the program, and choices of its arguments.
std::vector<std::string> candidates(const CommandDoc& program, const CommandDoc& command) {
  std::vector<std::string> words;
  words.reserve(command.commands.size());
  for (const auto& inner : command.commands) words.push_back(inner.name);
  const auto add = [&words](const CommandDoc& from, bool positional) {
    for (const auto& option : from.options) {
      const auto& list = option.positional ? option.choices : option.names;
      if (option.positional && !positional) continue;
      for (const auto& word : list) {
        if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
      }
    }
  };
  add(command, true);
  add(program, false);
  return words;
}

std::string joined(const std::set<std::string>& words, const char* between) {
  return joined(std::vector<std::string>(words.begin(), words.end()), between);
}

std::string bash_script(const CommandDoc& program) {
  const auto paths = paths_of(program);
  const auto arguments = arguments_of(paths, "|");
  std::string text =
      "# bash completion of athena; read it with: source <(athena completion bash)\n"
      "_athena() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} place=athena words='' i\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$place ${COMP_WORDS[i]}\" in\n"
      "      " +
      path_cases(paths, "|") +
      ") place=\"$place ${COMP_WORDS[i]}\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n"
      "    " +
      joined(arguments.files, "|") +
      ")\n"
      "      compopt -o filenames 2>/dev/null\n"
      "      mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
      "      return ;;\n";
  for (const auto& [names, words] : arguments.words)
    text += "    " + names + ") mapfile -t COMPREPLY < <(compgen -W " + quoted(words) +
            " -- \"$word\"); return ;;\n";
  text += "    " + joined(arguments.others, "|") + ") return ;;\n  esac\n  case \"$place\" in\n";
  for (const auto& [path, command] : paths)
    text += "    " + quoted(path) + ") words=" + quoted(joined(candidates(program, *command), " ")) + " ;;\n";
  return text +
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "}\n"
         "complete -F _athena athena\n";
}

/// `name:description` for _describe.
std::string described(const std::string& name, const std::string& description) {
  std::string text = name + ":";
  for (const char c : description) {
    if (c == ':') text += '\\';
    text += c;
  }
  return quoted(text);
}

std::string zsh_script(const CommandDoc& program) {
  const auto paths = paths_of(program);
  const auto arguments = arguments_of(paths, "|");
  std::string text =
      "#compdef athena\n"
      "# zsh completion of athena; read it with: source <(athena completion zsh)\n"
      "_athena() {\n"
      "  local place=athena i\n"
      "  local -a commands options\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    case \"$place ${words[i]}\" in\n"
      "      (" +
      path_cases(paths, "|") +
      ") place=\"$place ${words[i]}\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"${words[CURRENT-1]}\" in\n"
      "    (" +
      joined(arguments.files, "|") + ") _files; return ;;\n";
  for (const auto& [names, words] : arguments.words)
    text += "    (" + names + ") compadd -- " + words + "; return ;;\n";
  text += "    (" + joined(arguments.others, "|") + ") return ;;\n  esac\n  case \"$place\" in\n";
  for (const auto& [path, command] : paths) {
    text += "    (" + quoted(path) + ")\n";
    text += "      commands=(";
    for (const auto& inner : command->commands) text += " " + described(inner.name, inner.description);
    for (const auto& option : command->options) {
      for (const auto& choice : option.positional ? option.choices : std::vector<std::string>{})
        text += " " + described(choice, option.description);
    }
    text += " )\n      options=(";
    std::set<std::string> seen;
    const auto add = [&](const CommandDoc& from) {
      for (const auto& option : from.options) {
        for (const auto& name : option.positional ? std::vector<std::string>{} : option.names) {
          if (seen.insert(name).second) text += " " + described(name, option.description);
        }
      }
    };
    add(*command);
    add(program);
    text += " ) ;;\n";
  }
  return text +
         "  esac\n"
         "  (( ${#commands} )) && _describe command commands\n"
         "  _describe -o option options\n"
         "}\n"
         "if [[ ${funcstack[1]} == _athena ]]; then _athena \"$@\"; else compdef _athena athena; fi\n";
}

std::string fish_option(const OptionDoc& option) {
  std::string text;
  for (const auto& name : option.names)
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.choices.empty()) {
    text += " -x -a " + quoted(joined(option.choices, " "));
  } else if (takes_file(option)) {
    text += " -r -F";
  } else if (!option.argument.empty()) {
    text += " -x";
  }
  return text + " -d " + quoted(option.description) + "\n";
}

std::string fish_script(const CommandDoc& program) {
  const auto paths = paths_of(program);
  std::string text =
      "# fish completion of athena; read it with: athena completion fish | source\n"
      "function __athena_at\n"
      "    set -l place athena\n"
      "    for word in (commandline -opc)[2..-1]\n"
      "        switch \"$place $word\"\n"
      "            case " +
      path_cases(paths, " ") +
      "\n"
      "                set place \"$place $word\"\n"
      "        end\n"
      "    end\n"
      "    test \"$place\" = \"$argv[1]\"\n"
      "end\n"
      "complete -c athena -f\n";
  for (const auto& [path, command] : paths) {
    const auto here = "complete -c athena -n \"__athena_at " + quoted(path) + "\"";
    for (const auto& inner : command->commands)
      text += here + " -a " + inner.name + " -d " + quoted(inner.description) + "\n";
    for (const auto& option : command->options) {
      if (option.positional) {
        if (!option.choices.empty()) text += here + " -a " + quoted(joined(option.choices, " ")) + "\n";
      } else {
        text += (command == &program ? std::string("complete -c athena") : here) + fish_option(option);
      }
    }
  }
  return text;
}

}  // namespace

std::string completion_script(const CommandDoc& program, const std::string& shell) {
  if (shell == "zsh") return zsh_script(program);
  if (shell == "fish") return fish_script(program);
  return bash_script(program);
}

}  // namespace athena::app
