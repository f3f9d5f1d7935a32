#include "engines/postgres/wire.h"

namespace athena::postgres::wire {
namespace {

/// A cursor over bytes that are not trusted; reading past the end makes it fail once and for all.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), left_(bytes.size()) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return left_; }
  std::uint16_t u16() { return take(2) ? read_u16(at_ - 2) : std::uint16_t{0}; }
  std::uint32_t u32() { return take(4) ? read_u32(at_ - 4) : 0; }
  char byte() { return take(1) ? at_[-1] : '\0'; }
  void skip(std::size_t bytes) { take(bytes); }
  std::string_view text() {
    if (left_ == 0) return fail();
    const auto* end = static_cast<const char*>(std::memchr(at_, 0, left_));
    if (end == nullptr) return fail();
    const std::string_view found(at_, static_cast<std::size_t>(end - at_));
    take(found.size() + 1);
    return found;
  }

 private:
  std::string_view fail() {
    ok_ = false;
    left_ = 0;
    return {};
  }
  bool take(std::size_t bytes) {
    if (left_ < bytes) return fail(), false;
    at_ += bytes;
    left_ -= bytes;
    return true;
  }

  const char* at_;
  std::size_t left_;
  bool ok_ = true;
};

char* put_u32(char* at, std::size_t value) {
  const std::uint32_t raw = __builtin_bswap32(static_cast<std::uint32_t>(value));
  std::memcpy(at, &raw, sizeof raw);
  return at + sizeof raw;
}
char* put_u16(char* at, std::size_t value) {
  const std::uint16_t raw = __builtin_bswap16(static_cast<std::uint16_t>(value));
  std::memcpy(at, &raw, sizeof raw);
  return at + sizeof raw;
}
char* put_text(char* at, std::string_view text) {
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  at[text.size()] = '\0';
  return at + text.size() + 1;
}
/// Starts a frame of `body` bytes; all of it has room behind the returned pointer.
char* put_header(base::Buffer& out, char type, std::size_t body) {
  char* at = out.reserve_tail(kHeader + body);
  out.commit(kHeader + body);
  *at++ = type;
  return put_u32(at, body + 4);
}

}  // namespace

bool read_row_description(std::string_view body, std::vector<ColumnDescription>& out) {
  out.clear();
  Reader reader(body);
  const std::size_t count = reader.u16();
  if (count * 19 > reader.left()) return false;
  out.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    ColumnDescription column;
    column.name = reader.text();
    column.table_oid = reader.u32();
    column.attribute = reader.u16();
    column.type_oid = reader.u32();
    reader.skip(8);  // type length, type modifier, format
    if (!reader.ok()) return false;
    out.push_back(column);
  }
  return reader.ok() && reader.left() == 0;
}

ErrorFields read_error(std::string_view body) {
  ErrorFields fields;
  Reader reader(body);
  while (reader.ok()) {
    const char field = reader.byte();
    if (field == '\0') break;
    const std::string_view text = reader.text();
    switch (field) {
      case 'S':
        if (fields.severity.empty()) fields.severity = text;
        break;
      case 'V':
        fields.severity = text;
        break;
      case 'C':
        fields.sql_state = text;
        break;
      case 'M':
        fields.message = text;
        break;
      case 'D':
        fields.detail = text;
        break;
      case 'H':
        fields.hint = text;
        break;
      case 'P':
        fields.position = text;
        break;
      case 's':
        fields.schema = text;
        break;
      case 't':
        fields.table = text;
        break;
      case 'c':
        fields.column = text;
        break;
      case 'd':
        fields.type = text;
        break;
      case 'n':
        fields.constraint = text;
        break;
      case 'R':
        fields.routine = text;
        break;
      default:
        break;
    }
  }
  return fields;
}

std::int64_t read_command_tag(std::string_view body, std::string_view& command) {
  const std::string_view tag = body.substr(0, body.find('\0'));
  command = tag.substr(0, tag.find(' '));
  const std::size_t space = tag.rfind(' ');
  if (space == std::string_view::npos || space + 1 == tag.size()) return 0;
  std::int64_t count = 0;
  for (const char digit : tag.substr(space + 1)) {
    if (digit < '0' || digit > '9' || count > 900'000'000'000'000'000) return 0;
    count = count * 10 + (digit - '0');
  }
  return count;
}

void append_parse(base::Buffer& out, std::string_view name, std::string_view sql,
                  std::span<const sql::Bind> binds) {
  char* at = put_header(out, 'P', name.size() + 1 + sql.size() + 1 + 2 + 4 * binds.size());
  at = put_text(at, name);
  at = put_text(at, sql);
  at = put_u16(at, binds.size());
  for (const auto& bind : binds) at = put_u32(at, bind.type_oid);
}

void append_describe_statement(base::Buffer& out, std::string_view name) {
  char* at = put_header(out, 'D', 1 + name.size() + 1);
  *at++ = 'S';
  put_text(at, name);
}

void append_bind(base::Buffer& out, std::string_view name, std::span<const sql::Bind> binds) {
  // portal name, statement name, parameter formats: none = text, parameters, result formats: none = text
  std::size_t size = 1 + name.size() + 1 + 2 + 2 + 2;
  for (const auto& bind : binds) size += 4 + (bind.kind == sql::Bind::Kind::null ? 0 : bind.text.size());
  char* at = put_header(out, 'B', size);
  *at++ = '\0';
  at = put_text(at, name);
  at = put_u16(at, 0);
  at = put_u16(at, binds.size());
  for (const auto& bind : binds) {
    if (bind.kind == sql::Bind::Kind::null) {
      at = put_u32(at, 0xFFFFFFFFU);
      continue;
    }
    at = put_u32(at, bind.text.size());
    if (!bind.text.empty()) std::memcpy(at, bind.text.data(), bind.text.size());
    at += bind.text.size();
  }
  put_u16(at, 0);
}

void append_describe_portal(base::Buffer& out) {
  out.append(std::string_view("D\0\0\0\6P\0", 7));
}
void append_execute(base::Buffer& out) {
  out.append(std::string_view("E\0\0\0\x9\0\0\0\0\0", 10));
}
void append_sync(base::Buffer& out) {
  out.append(std::string_view("S\0\0\0\4", 5));
}

void append_close_statement(base::Buffer& out, std::string_view name) {
  char* at = put_header(out, 'C', 1 + name.size() + 1);
  *at++ = 'S';
  put_text(at, name);
}

void append_query(base::Buffer& out, std::string_view sql) {
  put_text(put_header(out, 'Q', sql.size() + 1), sql);
}

void append_copy_fail(base::Buffer& out, std::string_view reason) {
  put_text(put_header(out, 'f', reason.size() + 1), reason);
}

}  // namespace athena::postgres::wire
