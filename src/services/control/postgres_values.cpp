#include "services/control/postgres_values.h"

#include <array>
#include <charconv>
#include <span>

#include "base/crypto.h"

namespace athena::control {
namespace {

// pg_type.oid of the built-in types; they never change.
enum Oid : std::uint32_t {
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kOid = 26,
  kJson = 114,
  kFloat4 = 700,
  kFloat8 = 701,
  kTimestamptz = 1184,
  kNumeric = 1700,
  kJsonb = 3802,
};

template <class Number>
Value number_of(std::string_view text) {
  Number number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::string(text);
  return number;
}

Value blob_of(std::string_view text) {
  if (!text.starts_with("\\x")) return std::string(text);
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes blob;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2)
    blob.bytes.push_back(static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1])));
  return blob;
}

void append_copy_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out.push_back(c);
    }
  }
}

}  // namespace

Value value_of_text(std::uint32_t type, std::string_view text) {
  switch (type) {
    case kBool:
      return text == "t";
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid:
      return number_of<std::int64_t>(text);
    case kFloat4:
    case kFloat8:
    case kNumeric:
      return number_of<double>(text);
    case kTimestamptz:
      return iso_time(text);
    case kJson:
    case kJsonb:
      return compact_json(text);
    case kBytea:
      return blob_of(text);
    default:
      return std::string(text);
  }
}

std::string text_of_value(const Value& value) {
  struct Writer {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(bool boolean) const { return boolean ? "t" : "f"; }
    std::string operator()(std::int64_t integer) const { return std::to_string(integer); }
    std::string operator()(double number) const {
      std::array<char, 32> text{};
      const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
      return {text.data(), end};
    }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const Bytes& blob) const {
      const std::span bytes(reinterpret_cast<const std::uint8_t*>(blob.bytes.data()), blob.bytes.size());
      return "\\x" + base::to_hex(bytes);
    }
  };
  return std::visit(Writer{}, value);
}

void append_copy_row(std::string& out, const Row& row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i != 0) out.push_back('\t');
    if (is_null(row[i])) {
      out += "\\N";
    } else if (const auto* text = std::get_if<std::string>(&row[i])) {
      append_copy_text(out, *text);
    } else {
      append_copy_text(out, text_of_value(row[i]));
    }
  }
  out.push_back('\n');
}

std::string iso_time(std::string_view text) {
  constexpr std::size_t kSeconds = 19;  // 2026-03-01 08:00:00
  if (text.size() < kSeconds + 3 || text[10] != ' ' || !text.ends_with("+00")) return std::string(text);
  std::string time(text.substr(0, kSeconds));
  time[10] = 'T';
  auto fraction = text.substr(kSeconds, text.size() - kSeconds - 3);
  if (!fraction.empty()) fraction.remove_prefix(1);
  time.push_back('.');
  for (std::size_t i = 0; i < 3; ++i) time.push_back(i < fraction.size() ? fraction[i] : '0');
  time.push_back('Z');
  return time;
}

std::string compact_json(std::string_view text) {
  std::string compact;
  compact.reserve(text.size());
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside && c == '\\') {
      compact.push_back(c);
      if (++i < text.size()) compact.push_back(text[i]);
      continue;
    }
    if (c == '"') inside = !inside;
    if (!inside && (c == ' ' || c == '\n' || c == '\t' || c == '\r')) continue;
    compact.push_back(c);
  }
  return compact;
}

}  // namespace athena::control
