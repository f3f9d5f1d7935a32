#include "engines/postgres/values.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/json_writer.h"

namespace athena::postgres {

namespace {

using base::append_json_string;
using base::Buffer;
using query::ValueFormat;
using Kind = ValueFormat::Kind;

void append_numeric(Buffer& out, std::string_view raw, const ValueFormat&) {
  if (is_json_number(raw)) {
    out.append(raw);
  } else {
    append_json_string(out, raw);
  }
}

/// Bytes of an ISO time: digits, `:`, `.`, `+`, `-`.
constexpr auto kTimeBytes = [] {
  std::array<bool, 256> bytes{};
  for (const char c : std::string_view("0123456789:.+-")) bytes[static_cast<unsigned char>(c)] = true;
  return bytes;
}();

bool are_time_bytes(std::string_view text) {
  bool all = true;
  for (const char c : text) all &= kTimeBytes[static_cast<unsigned char>(c)];
  return all;
}

/// `2026-03-01 08:00:00.5+00 BC` → `2026-03-01T08:00:00.5+00:00 BC`; anything else (infinity) stays as it is.
void append_timestamp(Buffer& out, std::string_view raw, const ValueFormat&) {
  constexpr std::size_t kLongest = 64;
  const std::size_t space = raw.size() > 10 && raw[10] == ' ' ? 10 : raw.find(' ');
  if (space == std::string_view::npos || space < 8 || raw.size() > kLongest)
    return append_json_string(out, raw);
  const bool before_christ = raw.size() > space + 3 && raw.ends_with(" BC");
  const std::string_view date = raw.substr(0, space);
  const std::string_view time = raw.substr(space + 1, raw.size() - space - 1 - (before_christ ? 3 : 0));
  if (!are_time_bytes(date) || !are_time_bytes(time)) return append_json_string(out, raw);
  const std::size_t zone = time.size() - std::min<std::size_t>(time.size(), 3);
  const bool short_zone = zone != 0 && (time[zone] == '+' || time[zone] == '-');
  char* const start = out.reserve_tail(kLongest + 8);
  char* to = start;
  const auto put = [&to](std::string_view text) {
    std::memcpy(to, text.data(), text.size());
    to += text.size();
  };
  *to++ = '"';
  put(date);
  *to++ = 'T';
  put(time);
  if (short_zone) put(":00");
  if (before_christ) put(" BC");
  *to++ = '"';
  out.commit(static_cast<std::size_t>(to - start));
}

/// A value inside another one: its text came out of a parser here, so it is checked before it is believed.
void append_inner(Buffer& out, std::string_view text, const ValueFormat& format) {
  switch (format.kind) {
    case Kind::null:
      return out.append("null");
    case Kind::number:
      return append_numeric(out, text, format);
    case Kind::boolean_tf:
      if (text == "t") return out.append("true");
      if (text == "f") return out.append("false");
      break;
    case Kind::json:
      if (is_json(text)) return out.append(text);
      break;
    case Kind::custom:
      return format.append_json(out, text, format);
    case Kind::string:
      break;
  }
  append_json_string(out, text);
}

void append_vector(Buffer& out, std::string_view raw, const ValueFormat&) {
  const std::size_t mark = out.size();
  out.push_back('[');
  std::size_t at = 0;
  while (at < raw.size()) {
    const std::size_t end = std::min(raw.find(' ', at), raw.size());
    const std::string_view item = raw.substr(at, end - at);
    if (!is_json_number(item) || end + 1 == raw.size()) {
      out.truncate(mark);
      return append_json_string(out, raw);
    }
    if (at != 0) out.push_back(',');
    out.append(item);
    at = end + 1;
  }
  out.push_back(']');
}

/// Reads the quoted token that starts at raw[at] == '"', with `\` before escaped characters; `at` moves
/// behind it. `scratch` holds the text when it had escapes.
bool read_escaped(std::string_view raw, std::size_t& at, std::string& scratch, std::string_view& token) {
  const std::size_t start = ++at;
  const std::size_t stop = raw.find_first_of("\"\\", at);
  if (stop == std::string_view::npos) return false;
  at = stop;
  if (raw[at] == '"') {
    token = raw.substr(start, at++ - start);
    return true;
  }
  scratch.assign(raw.substr(start, at - start));
  while (at < raw.size() && raw[at] != '"') {
    if (raw[at] == '\\' && ++at == raw.size()) return false;
    scratch.push_back(raw[at++]);
  }
  if (at == raw.size()) return false;
  ++at;
  token = scratch;
  return true;
}

/// The same for composites, where `"` and `\` are doubled.
bool read_doubled(std::string_view raw, std::size_t& at, std::string& scratch, std::string_view& token) {
  const std::size_t start = ++at;
  bool plain = true;
  scratch.clear();
  while (at < raw.size()) {
    const char c = raw[at];
    const bool twice = at + 1 < raw.size() && raw[at + 1] == c;
    if (c == '"' && !twice) {
      token = plain ? raw.substr(start, at - start) : std::string_view(scratch);
      ++at;
      return true;
    }
    if (c == '"' || c == '\\') {
      if (!twice) return false;
      if (plain) scratch.assign(raw.substr(start, at - start));
      plain = false;
      ++at;
    }
    if (!plain) scratch.push_back(c);
    ++at;
  }
  return false;
}

/// Writes the array; false = not the text of an array (what was written is to be dropped).
bool write_array(Buffer& out, std::string_view raw, const ValueFormat& element, char delimiter) {
  constexpr int kMaxDepth = 64;  // PostgreSQL: 6
  std::size_t at = 0;
  if (!raw.empty() && raw[0] == '[') {  // lower bounds: [0:1][-3:5]={…}
    at = raw.find('=');
    if (at == std::string_view::npos || raw.find_first_not_of("[]:-+0123456789") != at) return false;
    ++at;
  }
  if (at == raw.size() || raw[at] != '{') return false;
  std::string scratch;
  int depth = 0;
  for (;;) {
    // A value is due at `at`.
    if (at == raw.size()) return false;
    const char c = raw[at];
    if (c == '{') {
      if (++depth > kMaxDepth) return false;
      out.push_back('[');
      ++at;
      if (at == raw.size()) return false;
      if (raw[at] != '}') continue;
    } else if (c == '"') {
      std::string_view token;
      if (!read_escaped(raw, at, scratch, token)) return false;
      append_inner(out, token, element);
    } else {
      const std::size_t start = at;
      while (at < raw.size() && raw[at] != delimiter && raw[at] != '}') {
        if (raw[at] == '{' || raw[at] == '"' || raw[at] == '\\') return false;
        ++at;
      }
      if (at == start) return false;
      const std::string_view token = raw.substr(start, at - start);
      if (token == "NULL") {
        out.append("null");
      } else {
        append_inner(out, token, element);
      }
    }
    // Behind a value: closing brackets, then a delimiter or the end.
    while (at < raw.size() && raw[at] == '}') {
      if (--depth < 0) return false;
      out.push_back(']');
      ++at;
      if (depth == 0) return at == raw.size();
    }
    if (at == raw.size() || raw[at] != delimiter) return false;
    out.push_back(',');
    ++at;
  }
}

void append_array(Buffer& out, std::string_view raw, const ValueFormat& self) {
  const std::size_t mark = out.size();
  if (write_array(out, raw, *self.element, *static_cast<const char*>(self.context))) return;
  out.truncate(mark);
  append_json_string(out, raw);
}

bool write_composite(Buffer& out, std::string_view raw, const CompositeAttributes& type) {
  if (raw.size() < 2 || raw.front() != '(' || raw.back() != ')') return false;
  out.push_back('{');
  std::size_t at = 1;
  std::string scratch;
  for (std::size_t i = 0; i < type.attributes.size(); ++i) {
    const auto& attribute = type.attributes[i];
    if (i != 0) {
      if (raw[at] != ',') return false;
      ++at;
      out.push_back(',');
    }
    out.append(attribute.key);
    if (raw[at] == '"') {
      std::string_view token;
      if (!read_doubled(raw, at, scratch, token) || at == raw.size()) return false;
      append_inner(out, token, *attribute.format);
    } else {
      const std::size_t start = at;
      while (raw[at] != ',' && raw[at] != ')') {
        if (raw[at] == '"' || raw[at] == '(' || raw[at] == '\\') return false;
        ++at;  // ends at the last byte, which is ')'
      }
      if (at == start) {
        out.append("null");
      } else {
        append_inner(out, raw.substr(start, at - start), *attribute.format);
      }
    }
  }
  out.push_back('}');
  return at == raw.size() - 1;
}

void append_composite(Buffer& out, std::string_view raw, const ValueFormat& self) {
  const std::size_t mark = out.size();
  if (write_composite(out, raw, *static_cast<const CompositeAttributes*>(self.context))) return;
  out.truncate(mark);
  append_json_string(out, raw);
}

bool write_hstore(Buffer& out, std::string_view raw) {
  out.push_back('{');
  std::size_t at = 0;
  std::string scratch;
  std::string_view token;
  while (at < raw.size()) {
    if (at != 0) {
      if (raw.substr(at, 2) != ", ") return false;
      at += 2;
      out.push_back(',');
    }
    if (at == raw.size() || raw[at] != '"' || !read_escaped(raw, at, scratch, token)) return false;
    append_json_string(out, token);
    if (raw.substr(at, 2) != "=>") return false;
    at += 2;
    out.push_back(':');
    if (raw.substr(at, 4) == "NULL") {
      at += 4;
      out.append("null");
    } else {
      if (at == raw.size() || raw[at] != '"' || !read_escaped(raw, at, scratch, token)) return false;
      append_json_string(out, token);
    }
  }
  out.push_back('}');
  return true;
}

void append_hstore(Buffer& out, std::string_view raw, const ValueFormat&) {
  const std::size_t mark = out.size();
  if (write_hstore(out, raw)) return;
  out.truncate(mark);
  append_json_string(out, raw);
}

}  // namespace

constinit const ValueFormat kNullFormat{.kind = Kind::null};
constinit const ValueFormat kIntegerFormat{.kind = Kind::number};
constinit const ValueFormat kBooleanFormat{.kind = Kind::boolean_tf};
constinit const ValueFormat kStringFormat{.kind = Kind::string};
constinit const ValueFormat kJsonFormat{.kind = Kind::json};
constinit const ValueFormat kNumericFormat{.kind = Kind::custom, .append_json = append_numeric};
constinit const ValueFormat kTimestampFormat{.kind = Kind::custom, .append_json = append_timestamp};
constinit const ValueFormat kVectorFormat{.kind = Kind::custom, .append_json = append_vector};
constinit const ValueFormat kHstoreFormat{.kind = Kind::custom, .append_json = append_hstore};

ValueFormat array_format(const ValueFormat& element, const char* delimiter) {
  return {.kind = Kind::custom, .append_json = append_array, .element = &element, .context = delimiter};
}

char array_delimiter(const ValueFormat& format) {
  return format.append_json == append_array ? *static_cast<const char*>(format.context) : ',';
}

ValueFormat composite_format(const CompositeAttributes& attributes) {
  return {.kind = Kind::custom, .append_json = append_composite, .context = &attributes};
}

const CompositeAttributes* composite_attributes(const ValueFormat& format) {
  return format.append_json == append_composite ? static_cast<const CompositeAttributes*>(format.context)
                                                : nullptr;
}

}  // namespace athena::postgres
