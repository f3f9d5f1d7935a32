#include "services/records/text.h"

#include <algorithm>
#include <array>
#include <memory_resource>

#include "base/ascii.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace athena::records {
namespace {

constexpr std::string_view kRedacted = "[REDACTED]";
constexpr std::array<std::string_view, 15> kSecretWords{
    "authorization", "apikey", "athenakey", "adminkey", "supabasekey", "cookie",     "token",    "secret",
    "password",      "passwd", "jwt",       "jdbcurl",  "pguri",       "credential", "signature"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = base::lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// Percent escapes that are whole; others stay as they are.
std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      result.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      result.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return result;
}

bool ends_uri(char c) {
  return c == ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '\n' || c == '\r' || c == '\t';
}

/// `name=value` with a secret's value replaced; `separators` end a value.
void append_parameter(std::string& out, std::string_view pair) {
  const auto equals = pair.find('=');
  if (equals == std::string_view::npos) {
    out.append(pair);
    return;
  }
  const auto name = pair.substr(0, equals);
  const auto value = pair.substr(equals + 1);
  out.append(name).push_back('=');
  if (is_secret_name(decoded(name))) {
    out.append(kRedacted);
    return;
  }
  const auto plain = decoded(value);
  out.append(mask_uris(plain) == plain ? value : kRedacted);
}

}  // namespace

std::string clean(std::string_view text, std::size_t most) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte != 0 && byte < 0x80;
  });
  if (plain) return std::string(text.substr(0, most));
  std::string result;
  result.reserve(std::min(text.size(), most));
  while (!text.empty()) {
    const auto sequence = base::utf8_sequence(text);
    const std::string_view piece = sequence.valid ? text.substr(0, sequence.length) : "\xEF\xBF\xBD";
    text.remove_prefix(sequence.length);
    if (piece == std::string_view("\0", 1)) continue;
    if (result.size() + piece.size() > most) break;
    result.append(piece);
  }
  return result;
}

bool is_secret_name(std::string_view name) {
  std::string plain;
  plain.reserve(name.size());
  for (const char c : name) {
    if (c != '-' && c != '_') plain.push_back(base::lower(c));
  }
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&plain](auto word) { return plain.find(word) != std::string::npos; });
}

std::string mask_uris(std::string_view text) {
  if (text.find("://") == std::string_view::npos) return std::string(text);
  std::string result;
  for (;;) {
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos) {
      result.append(text);
      return result;
    }
    const auto begin = scheme + 3;
    result.append(text.substr(0, begin));
    text.remove_prefix(begin);
    const auto end =
        static_cast<std::size_t>(std::find_if(text.begin(), text.end(), ends_uri) - text.begin());
    auto uri = text.substr(0, end);
    text.remove_prefix(end);
    // Passwords of databases come with every character unescaped, so there the last @ of all counts.
    const bool web = result.ends_with("http://") || result.ends_with("https://");
    const auto authority = uri.substr(0, web ? uri.find_first_of("/?#") : std::string_view::npos);
    const auto at = authority.rfind('@');
    const auto colon = authority.find(':');
    if (at != std::string_view::npos && colon < at) {
      result.append(uri.substr(0, colon + 1)).append("***");
      uri.remove_prefix(at);
    }
    if (const auto query = uri.find('?'); query != std::string_view::npos) {
      result.append(uri.substr(0, query + 1));
      uri.remove_prefix(query + 1);
      for (;;) {
        const auto next = uri.find_first_of("&;");
        append_parameter(result, uri.substr(0, next));
        if (next == std::string_view::npos) break;
        result.push_back(uri[next]);
        uri.remove_prefix(next + 1);
      }
    } else {
      result.append(uri);
    }
  }
}

std::string redact_query(std::string_view query) {
  std::string result;
  while (!query.empty()) {
    const auto end = query.find('&');
    append_parameter(result, query.substr(0, end));
    if (end == std::string_view::npos) break;
    result.push_back('&');
    query.remove_prefix(end + 1);
  }
  return result;
}

namespace {

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Length of the quoted text at the start of `text`, its quotes included; all of it when it does not end.
std::size_t quoted_length(std::string_view text, bool backslashes) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (backslashes && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (i + 1 == text.size() || text[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return text.size();
}

/// Length of `$tag$…$tag$` at the start of `text`; 0 when there is none.
std::size_t dollar_length(std::string_view text) {
  const auto end = text.find('$', 1);
  if (end == std::string_view::npos) return 0;
  const auto tag = text.substr(0, end + 1);
  if (tag.size() > 2 && tag[1] >= '0' && tag[1] <= '9') return 0;
  if (!std::all_of(tag.begin() + 1, tag.end() - 1, is_word)) return 0;
  const auto close = text.find(tag, tag.size());
  return close == std::string_view::npos ? text.size() : close + tag.size();
}

std::size_t comment_length(std::string_view text) {
  if (text.starts_with("--")) return std::min(text.find('\n'), text.size());
  if (!text.starts_with("/*")) return 0;
  const auto end = text.find("*/", 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

}  // namespace

std::string mask_literals(std::string_view sql) {
  std::string result;
  while (!sql.empty()) {
    const char c = sql.front();
    const bool in_word = !result.empty() && is_word(result.back());
    std::size_t length = 1;
    if (const auto comment = comment_length(sql); comment != 0) {
      result.push_back(' ');
      length = comment;
    } else if (c == '\'') {
      // e'', b'', x'' and n'' belong to the literal.
      const bool prefixed = in_word && (result.size() < 2 || !is_word(result[result.size() - 2]));
      const bool escapes = prefixed && base::lower(result.back()) == 'e';
      if (prefixed) result.pop_back();
      result.push_back('?');
      length = quoted_length(sql, escapes);
    } else if (c == '"') {
      length = quoted_length(sql, false);
      result.append(sql.substr(0, length));
    } else if (c == '$' && !in_word && dollar_length(sql) != 0) {
      result.push_back('?');
      length = dollar_length(sql);
    } else if (c >= '0' && c <= '9' && !in_word) {
      result.push_back('?');
      while (length < sql.size() && (is_word(sql[length]) || sql[length] == '.')) ++length;
    } else {
      result.push_back(c);
    }
    sql.remove_prefix(length);
  }
  return result;
}

namespace {

void append_redacted(base::Buffer& out, const base::JsonNode& node, bool with_sql) {
  using Kind = base::JsonNode::Kind;
  bool first = true;
  const auto separate = [&] {
    if (!first) out.push_back(',');
    first = false;
  };
  switch (node.kind) {
    case Kind::object:
      out.push_back('{');
      for (const auto& member : node.members) {
        separate();
        base::append_json_string(out, clean(member.name));
        out.push_back(':');
        if (is_secret_name(member.name)) {
          base::append_json_string(out, kRedacted);
        } else if (member.value->is_string() && (member.name == "query" || member.name == "sql")) {
          base::append_json_string(
              out, with_sql ? clean(mask_literals(member.value->text), kMostBody) : std::string("[SQL]"));
        } else {
          append_redacted(out, *member.value, with_sql);
        }
      }
      out.push_back('}');
      return;
    case Kind::array:
      out.push_back('[');
      for (const auto* item : node.items) {
        separate();
        append_redacted(out, *item, with_sql);
      }
      out.push_back(']');
      return;
    case Kind::string:
      base::append_json_string(out, clean(mask_uris(node.text), kMostBody));
      return;
    default:
      base::append_json(out, node);
  }
}

}  // namespace

std::string redact_json(std::string_view text, bool with_sql, std::size_t most) {
  std::pmr::monotonic_buffer_resource memory;
  const auto parsed = base::parse_json(text, memory);
  if (!parsed || (!(*parsed)->is_object() && !(*parsed)->is_array())) return "{}";
  base::Buffer out;
  append_redacted(out, **parsed, with_sql);
  if (out.size() > most) return R"({"truncated":true})";
  return std::string(out.view());
}

}  // namespace athena::records
