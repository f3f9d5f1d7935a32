#include "services/control/client_secrets.h"

#include <algorithm>
#include <memory_resource>
#include <vector>

#include "base/ascii.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

namespace athena::control {
namespace {

constexpr std::string_view kMask = "***";

/// Where the first of `stops` stands from `at` on, tokens `${…}` skipped.
std::size_t find_outside_tokens(std::string_view text, std::string_view stops, std::size_t at) {
  while (at < text.size()) {
    if (text.substr(at, 2) == "${") {
      const auto end = text.find('}', at);
      if (end == std::string_view::npos) return at;
      at = end + 1;
      continue;
    }
    if (stops.find(text[at]) != std::string_view::npos) return at;
    ++at;
  }
  return std::string_view::npos;
}

/// One `${NAME}` and nothing else; a default in it may be a secret.
bool is_plain_token(std::string_view text) {
  return text.size() > 3 && text.starts_with("${") && text.find('}') == text.size() - 1 &&
         text.find(":-") == std::string_view::npos;
}

bool is_secret_name(std::string_view name) {
  const auto lower = base::lower_case(name);
  if (lower == "key" || lower == "apikey" || lower == "api_key" || lower == "access_key_id") return true;
  return lower.find("password") != std::string::npos || lower.find("passwd") != std::string::npos ||
         lower.find("secret") != std::string::npos || lower.find("token") != std::string::npos;
}

bool is_uri_name(std::string_view name) {
  const auto lower = base::lower_case(name);
  return lower.ends_with("uri") || lower.ends_with("uri_template") || lower.ends_with("replicas");
}

/// `a=b&c=d` with the values of secrets masked.
std::string masked_parameters(std::string_view query) {
  std::string result;
  while (true) {
    const auto end = find_outside_tokens(query, "&", 0);
    const auto one = query.substr(0, end);
    const auto equals = one.find('=');
    if (equals != std::string_view::npos && is_secret_name(one.substr(0, equals)) &&
        !is_plain_token(one.substr(equals + 1))) {
      result.append(one.substr(0, equals + 1)).append(kMask);
    } else {
      result.append(one);
    }
    if (end == std::string_view::npos) return result;
    result += '&';
    query.remove_prefix(end + 1);
  }
}

template <class Work>
void with_json(std::string_view json, Work work) {
  std::pmr::monotonic_buffer_resource memory;
  if (const auto parsed = base::parse_json(json, memory)) work(**parsed);
}

using Node = base::JsonNode;

void append_masked(base::Buffer& out, std::string_view name, const Node& node, bool secret) {
  secret = secret || is_secret_name(name);
  if (node.is_object()) {
    // Headers carry credentials under any name.
    const bool inside = secret || name == "headers";
    out.push_back('{');
    for (std::size_t i = 0; i < node.members.size(); ++i) {
      if (i > 0) out.push_back(',');
      base::append_json_string(out, node.members[i].name);
      out.push_back(':');
      append_masked(out, node.members[i].name, *node.members[i].value, inside);
    }
    out.push_back('}');
  } else if (node.is_array()) {
    out.push_back('[');
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (i > 0) out.push_back(',');
      append_masked(out, name, *node.items[i], secret);
    }
    out.push_back(']');
  } else if (base::lower_case(name).ends_with("_env_var") || node.is_null()) {
    base::append_json(out, node);  // the name of a variable is none
  } else if (secret) {
    base::append_json_string(out, node.is_string() && is_plain_token(node.text) ? node.text : kMask);
  } else if (node.is_string() && is_uri_name(name)) {
    base::append_json_string(out, masked_uri(node.text));
  } else {
    base::append_json(out, node);
  }
}

bool any_masked(std::string_view name, const Node& node, bool secret) {
  secret = secret || is_secret_name(name);
  if (node.is_object()) {
    const bool inside = secret || name == "headers";
    return std::any_of(node.members.begin(), node.members.end(),
                       [&](const auto& member) { return any_masked(member.name, *member.value, inside); });
  }
  if (node.is_array())
    return std::any_of(node.items.begin(), node.items.end(),
                       [&](const auto* item) { return any_masked(name, *item, secret); });
  if (!node.is_string()) return false;
  return (secret && node.text == kMask) || (is_uri_name(name) && has_masked_password(node.text));
}

void append_canonical(base::Buffer& out, const Node& node) {
  if (node.is_array()) {
    out.push_back('[');
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (i > 0) out.push_back(',');
      append_canonical(out, *node.items[i]);
    }
    out.push_back(']');
    return;
  }
  if (!node.is_object()) return base::append_json(out, node);
  std::vector<base::JsonMember> members(node.members.begin(), node.members.end());
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  out.push_back('{');
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out.push_back(',');
    base::append_json_string(out, members[i].name);
    out.push_back(':');
    append_canonical(out, *members[i].value);
  }
  out.push_back('}');
}

}  // namespace

std::string masked_uri(std::string_view text) {
  if (text.empty() || is_plain_token(text)) return std::string(text);
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos ||
      text.substr(0, scheme).find_first_of("$@=") != std::string_view::npos)
    return std::string(kMask);
  const auto begin = scheme + 3;
  const auto path = std::min(find_outside_tokens(text, "/?", begin), text.size());
  auto authority = text.substr(begin, path - begin);
  auto rest = text.substr(path);
  const auto query = find_outside_tokens(rest, "?", 0);
  // An `@` behind a slash or a question mark: a password that was not escaped, so nobody can say where it
  // ends.
  if (rest.find('@') != std::string_view::npos) return std::string(kMask);
  std::string result(text.substr(0, begin));
  // The last `@`, as one in a password that was not escaped must not show what is behind it.
  const auto at = authority.rfind('@');
  if (at != std::string_view::npos) {
    const auto user = authority.substr(0, at);
    const auto colon = find_outside_tokens(user, ":", 0);
    result.append(user.substr(0, colon));
    if (colon != std::string_view::npos) {
      const auto password = user.substr(colon + 1);
      result += ':';
      result.append(is_plain_token(password) || password.empty() ? password : kMask);
    }
    authority.remove_prefix(at);
  }
  result.append(authority).append(rest.substr(0, query));
  if (query != std::string_view::npos) result.append("?").append(masked_parameters(rest.substr(query + 1)));
  return result;
}

bool has_masked_password(std::string_view text) {
  return text == kMask || text.find(":***@") != std::string_view::npos ||
         text.find("password=***") != std::string_view::npos;
}

std::string masked_connection(std::string_view json) {
  base::Buffer out;
  with_json(json, [&](const Node& node) { append_masked(out, {}, node, false); });
  return out.view().empty() ? "{}" : std::string(out.view());
}

bool has_masked_secret(std::string_view json) {
  bool found = false;
  with_json(json, [&](const Node& node) { found = any_masked({}, node, false); });
  return found;
}

std::string canonical_json(std::string_view json) {
  base::Buffer out;
  with_json(json, [&](const Node& node) { append_canonical(out, node); });
  return out.view().empty() ? std::string(json) : std::string(out.view());
}

}  // namespace athena::control
