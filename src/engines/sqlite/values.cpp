#include "engines/sqlite/values.h"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string>

#include "base/json_validator.h"

namespace athena::sqlite {
namespace {

void append_hex_string(base::Buffer& out, std::string_view raw, const query::ValueFormat& /*self*/) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char* at = out.reserve_tail(raw.size() * 2 + 5);
  *at++ = '"';
  *at++ = '\\';
  *at++ = '\\';
  *at++ = 'x';
  for (const char byte : raw) {
    *at++ = kDigits[static_cast<unsigned char>(byte) >> 4U];
    *at++ = kDigits[static_cast<unsigned char>(byte) & 15U];
  }
  *at = '"';
  out.commit(raw.size() * 2 + 5);
}

std::string upper_name(std::string_view declaration) {
  declaration = declaration.substr(0, declaration.find('('));
  while (!declaration.empty() && declaration.back() == ' ') declaration.remove_suffix(1);
  while (!declaration.empty() && declaration.front() == ' ') declaration.remove_prefix(1);
  std::string name(declaration);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return name;
}

}  // namespace

sql::TypeCategory category_of(std::string_view declaration) {
  using C = sql::TypeCategory;
  struct Named {
    std::string_view name;
    C category;
  };
  static constexpr Named kNames[] = {
      {"BOOL", C::boolean},          {"BOOLEAN", C::boolean},    {"JSON", C::json},
      {"JSONB", C::jsonb},           {"UUID", C::uuid},          {"DATE", C::date_time},
      {"TIME", C::date_time},        {"DATETIME", C::date_time}, {"TIMESTAMP", C::date_time},
      {"TIMESTAMPTZ", C::date_time}, {"NUMERIC", C::numeric},    {"DECIMAL", C::numeric},
      {"NUMBER", C::numeric},        {"MONEY", C::numeric},
  };
  const std::string name = upper_name(declaration);
  for (const auto& known : kNames) {
    if (known.name == name) return known.category;
  }
  if (name.starts_with("TIMESTAMP ") || name.starts_with("TIME ")) return C::date_time;
  const auto has = [&name](std::string_view part) { return name.find(part) != std::string::npos; };
  if (has("INT")) return C::integer;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return C::text;
  if (has("BLOB")) return C::bytes;
  if (has("REAL") || has("FLOA") || has("DOUB")) return C::floating;
  return C::other;
}

DeclaredForm declared_form(const sql::Type* type) {
  if (type == nullptr) return DeclaredForm::plain;
  switch (type->category) {
    case sql::TypeCategory::boolean:
      return DeclaredForm::boolean;
    case sql::TypeCategory::json:
    case sql::TypeCategory::jsonb:
      return DeclaredForm::json;
    default:
      return DeclaredForm::plain;
  }
}

const query::ValueFormat* RowBatch::format(Kind kind) {
  using F = query::ValueFormat;
  static constexpr F kNumber{F::Kind::number};
  static constexpr F kText{F::Kind::string};
  static constexpr F kBlob{F::Kind::custom, &append_hex_string};
  static constexpr F kBoolean{F::Kind::boolean_tf};
  static constexpr F kJson{F::Kind::json};
  switch (kind) {
    case Kind::null:
      return nullptr;
    case Kind::number:
      return &kNumber;
    case Kind::text:
      return &kText;
    case Kind::blob:
      return &kBlob;
    case Kind::boolean:
      return &kBoolean;
    case Kind::json:
      return &kJson;
  }
  return nullptr;
}

void RowBatch::push(Kind kind, std::string_view text) {
  bytes_.append(text);
  slots_.push_back({static_cast<std::uint32_t>(text.size()), kind});
}

void RowBatch::append_value(sqlite3_value* value, DeclaredForm form, bool utf8) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: {
      const std::int64_t number = sqlite3_value_int64(value);
      if (form == DeclaredForm::boolean && (number == 0 || number == 1)) {
        push(Kind::boolean, number == 1 ? "t" : "f");
        return;
      }
      constexpr std::size_t kRoom = 24;
      char* begin = bytes_.reserve_tail(kRoom);
      const auto size = static_cast<std::size_t>(std::to_chars(begin, begin + kRoom, number).ptr - begin);
      bytes_.commit(size);
      slots_.push_back({static_cast<std::uint32_t>(size), Kind::number});
      return;
    }
    case SQLITE_FLOAT: {
      const double number = sqlite3_value_double(value);
      if (std::isinf(number)) {
        push(Kind::text, number > 0 ? "Infinity" : "-Infinity");
        return;
      }
      constexpr std::size_t kRoom = 40;
      char* begin = bytes_.reserve_tail(kRoom);
      char* end = std::to_chars(begin, begin + kRoom - 2, number).ptr;
      if (std::string_view(begin, static_cast<std::size_t>(end - begin)).find_first_of(".e") ==
          std::string_view::npos) {
        *end++ = '.';
        *end++ = '0';
      }
      const auto size = static_cast<std::size_t>(end - begin);
      bytes_.commit(size);
      slots_.push_back({static_cast<std::uint32_t>(size), Kind::number});
      return;
    }
    case SQLITE_TEXT: {
      // sqlite3_value_text would copy text that lies in a page to put a NUL behind it; the blob call gives
      // the same bytes.
      const void* bytes = utf8 ? sqlite3_value_blob(value) : sqlite3_value_text(value);
      const std::string_view text(
          static_cast<const char*>(bytes),
          bytes == nullptr ? 0 : static_cast<std::size_t>(sqlite3_value_bytes(value)));
      push(form == DeclaredForm::json && base::is_json(text) ? Kind::json : Kind::text, text);
      return;
    }
    case SQLITE_BLOB: {
      const void* bytes = sqlite3_value_blob(value);
      push(Kind::blob, {static_cast<const char*>(bytes),
                        bytes == nullptr ? 0 : static_cast<std::size_t>(sqlite3_value_bytes(value))});
      return;
    }
    default:
      slots_.push_back({0, Kind::null});
  }
}

void RowBatch::append(sqlite3_stmt* statement, std::span<const DeclaredForm> forms, bool utf8) {
  rows_.push_back({bytes_.size(), slots_.size()});
  for (std::size_t column = 0; column < columns_; ++column) {
    append_value(sqlite3_column_value(statement, static_cast<int>(column)), forms[column], utf8);
  }
}

std::span<const query::Cell> RowBatch::row(std::size_t index, std::vector<query::Cell>& cells) const {
  cells.resize(columns_);
  const char* at = bytes_.data() + rows_[index].byte;
  const Slot* slot = slots_.data() + rows_[index].slot;
  for (std::size_t column = 0; column < columns_; ++column, ++slot) {
    cells[column] = {{at, slot->size}, format(slot->kind)};
    at += slot->size;
  }
  return cells;
}

void RowBatch::sort_by(std::span<const std::uint32_t> keys) {
  std::vector<std::uint32_t> order(rows_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [keys](std::uint32_t a, std::uint32_t b) {
    return keys[a] != keys[b] ? keys[a] < keys[b] : a < b;
  });
  std::vector<Row> sorted;
  sorted.reserve(rows_.size());
  for (const std::uint32_t index : order) sorted.push_back(rows_[index]);
  rows_ = std::move(sorted);
}

void RowBatch::keep(std::size_t count) {
  if (rows_.size() > count) rows_.resize(count);
}

void RowBatch::clear() {
  bytes_.clear();
  slots_.clear();
  rows_.clear();
}

}  // namespace athena::sqlite
