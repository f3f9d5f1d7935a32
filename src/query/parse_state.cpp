#include "query/parse_state.h"

#include <algorithm>

#include "base/json_writer.h"
#include "base/utf8.h"

namespace athena::query {
namespace {

constexpr std::size_t kMaxNameBytes = 63;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
}

std::string_view cut(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size()) {
    const std::size_t next = size + base::utf8_sequence(text.substr(size)).length;
    if (next > kMaxNameBytes) break;
    size = next;
  }
  return text.substr(0, size);
}

}  // namespace

std::string Path::text() const {
  if (parent == nullptr) return std::string(name);
  std::string text = parent->text();
  if (name.empty()) return text + "[" + std::to_string(index) + "]";
  const std::string_view shortened = cut(name);
  text += '.';
  text += shortened;
  if (shortened.size() < name.size()) text += "…";
  return text;
}

bool ParseState::refuse(contract::ErrorCode code, const Path& path, std::string_view rest) {
  const std::string member = path.text();
  return fail(contract::Error(code, member + std::string(rest)).with("member", std::string_view(member)));
}

bool ParseState::wrong_type(const Path& path, std::string_view expected) {
  return refuse(contract::ErrorCode::invalid_payload, path, " must be " + std::string(expected) + ".");
}

bool ParseState::missing(const Path& path) {
  const std::string member = path.text();
  return fail(contract::Error(contract::ErrorCode::missing_field, "Missing " + member)
                  .with("member", std::string_view(member)));
}

bool ParseState::unsupported(const Path& path, std::string_view feature) {
  const std::string member = path.text();
  return fail(contract::Error(contract::ErrorCode::capability_not_supported,
                              member + " needs \"" + std::string(feature) + "\", which is not supported.")
                  .with("requires", feature)
                  .with("member", std::string_view(member)));
}

bool ParseState::too_large(const Path& path, std::string_view what, std::uint64_t given, std::int64_t max) {
  const std::string member = path.text();
  return fail(contract::Error(contract::ErrorCode::limit_too_large,
                              member + " " + std::string(what) + " " + std::to_string(max) + ".")
                  .with("member", std::string_view(member))
                  .with("limit", static_cast<std::int64_t>(std::min<std::uint64_t>(given, INT64_MAX)))
                  .with("max", max));
}

std::string_view ParseState::keep(std::string_view text) {
  if (text.empty()) return {};
  char* copy = allocate<char>(text.size());
  std::copy_n(text.data(), text.size(), copy);
  return {copy, text.size()};
}

bool ParseState::check_identifier(std::string_view name, const Path& path) {
  using contract::ErrorCode;
  if (name.empty()) return refuse(ErrorCode::invalid_identifier, path, " has an empty name.");
  if (name.size() > kMaxNameBytes) {
    return refuse(ErrorCode::invalid_identifier, path,
                  " has a name of " + std::to_string(name.size()) + " bytes; at most 63 are allowed.");
  }
  if (std::any_of(name.begin(), name.end(), is_control)) {
    return refuse(ErrorCode::invalid_identifier, path, " has a name with a control character.");
  }
  return true;
}

bool ParseState::count_term(const Path& path) {
  if (++terms_ <= settings().max_conditions) return true;
  return too_large(path, "is beyond the allowed number of conditions,", static_cast<std::uint64_t>(terms_),
                   settings().max_conditions);
}

std::string shown(std::string_view text) {
  const std::string_view shortened = cut(text);
  if (shortened.size() == text.size()) return base::json_string(text);
  return base::json_string(std::string(shortened) + "…");
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace athena::query
