#include "app/pretty_json.h"

#include "base/json_validator.h"

namespace athena::app {

std::string pretty_json(std::string_view text) {
  if (!base::is_json(text)) return std::string(text) + (text.ends_with('\n') ? "" : "\n");
  std::string out;
  std::size_t depth = 0;
  const auto line = [&] { out.append("\n").append(depth * 2, ' '); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const auto start = i;
      while (text[++i] != '"') {
        if (text[i] == '\\') ++i;
      }
      out.append(text.substr(start, i - start + 1));
    } else if (c == '{' || c == '[') {
      const auto next = text.find_first_not_of(" \t\r\n", i + 1);
      out += c;
      if (text[next] == '}' || text[next] == ']') {
        out += text[next];
        i = next;
      } else {
        ++depth;
        line();
      }
    } else if (c == '}' || c == ']') {
      --depth;
      line();
      out += c;
    } else if (c == ',') {
      out += c;
      line();
    } else if (c == ':') {
      out += ": ";
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      out += c;
    }
  }
  return out + "\n";
}

}  // namespace athena::app
