#include "services/control/schema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include "base/crypto.h"

namespace athena::control {
namespace {

constexpr std::size_t kMostNameBytes = 63;  // PostgreSQL's

struct TypeName {
  std::string_view name;
  ColumnType type;
};
constexpr std::array<TypeName, 11> kTypes{{{"pk", ColumnType::pk},
                                           {"uuid", ColumnType::uuid},
                                           {"ts", ColumnType::timestamp},
                                           {"now", ColumnType::timestamp},
                                           {"bool", ColumnType::boolean},
                                           {"json", ColumnType::json},
                                           {"int", ColumnType::integer},
                                           {"big", ColumnType::big},
                                           {"num", ColumnType::number},
                                           {"text", ColumnType::text},
                                           {"blob", ColumnType::blob}}};

/// A mistake in the text; read_schema() turns it into its error.
struct Mistake {
  std::string what;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::vector<Table> read() {
    while (skip_blanks()) {
      if (take('@')) {
        read_group();
        continue;
      }
      tables_.push_back(Table{word(), group_, {}, {}, {}});
      read_columns();
      if (take('+')) read_indexes();
    }
    return std::move(tables_);
  }
  [[nodiscard]] std::size_t line() const {
    return 1 +
           static_cast<std::size_t>(std::count(text_.begin(), text_.begin() + static_cast<long>(at_), '\n'));
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool skip_blanks() {
    while (peek() == ' ' || peek() == '\n') ++at_;
    return at_ < text_.size();
  }
  bool take(char c) {
    skip_blanks();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void want(char c) {
    if (!take(c)) throw Mistake{std::string("expected ") + c};
  }
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  std::string word() {
    skip_blanks();
    const auto begin = at_;
    while (is_word(peek())) ++at_;
    if (at_ == begin) throw Mistake{"expected a name"};
    return std::string(text_.substr(begin, at_ - begin));
  }
  bool take_word(std::string_view wanted) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(wanted)) return false;
    const auto behind = at_ + wanted.size();
    if (behind < text_.size() && is_word(text_[behind])) return false;
    at_ = behind;
    return true;
  }
  /// What stands inside of parentheses; inner pairs are kept.
  std::string inside() {
    want('(');
    const auto begin = at_;
    for (int depth = 1; depth > 0; ++at_) {
      if (at_ >= text_.size()) throw Mistake{"a parenthesis is open"};
      if (text_[at_] == '(') ++depth;
      if (text_[at_] == ')') --depth;
    }
    return std::string(text_.substr(begin, at_ - 1 - begin));
  }
  /// `quoted text`, number or word, as SQL.
  std::string literal() {
    if (peek() != '\'') return word();
    const auto end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) throw Mistake{"a quote is open"};
    const auto begin = std::exchange(at_, end + 1);
    return std::string(text_.substr(begin, at_ - begin));
  }
  static std::vector<std::string> split(std::string_view list, char separator) {
    std::vector<std::string> parts;
    int depth = 0;
    std::string part;
    for (const char c : list) {
      if (c == '(') ++depth;
      if (c == ')') --depth;
      if (c == separator && depth == 0) {
        parts.push_back(std::exchange(part, {}));
      } else if (c != ' ' || !part.empty()) {
        part.push_back(c);
      }
    }
    parts.push_back(std::move(part));
    return parts;
  }

  void read_group() {
    const auto name = word();
    if (name == "auth") {
      group_ = Group::auth;
    } else if (name == "main") {
      group_ = Group::main;
    } else if (name == "common") {
      group_ = Group::common;
    } else {
      throw Mistake{"unknown group " + name};
    }
  }

  void read_columns() {
    do {
      if (take_word("any")) {
        tables_.back().any_of = split(inside(), ',');
      } else {
        read_column();
      }
    } while (take(';'));
  }

  void read_column() {
    std::vector<std::string> names;
    do names.push_back(word());
    while (take(','));
    Column column;
    const auto type = word();
    const auto found =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& known) { return known.name == type; });
    if (found == kTypes.end()) throw Mistake{"unknown type " + type};
    column.type = found->type;
    column.primary_key = type == "pk";
    column.default_now = type == "now";
    column.not_null = column.primary_key || column.default_now;
    bool unique = false;
    if (peek() == '*') {
      ++at_;
      column.not_null = true;
    }
    if (peek() == '=') {
      ++at_;
      column.standard = literal();
    }
    for (;;) {
      if (take_word("uniq")) {
        unique = true;
      } else if (take_word("primary")) {
        if (!take_word("key")) throw Mistake{"expected key"};
        column.primary_key = column.not_null = true;
      } else if (take_word("fk")) {
        read_reference(column);
      } else if (take_word("check")) {
        read_check(column);
      } else {
        break;
      }
    }
    auto& table = tables_.back();
    for (auto& name : names) {
      if (table.find(name) != nullptr) throw Mistake{"a second column " + name};
      column.name = name;
      table.columns.push_back(column);
      if (unique) table.indexes.push_back(Index{index_name({name}, "key"), true, false, {name}, {}});
    }
  }

  void read_reference(Column& column) {
    const auto target = split(inside(), '.');
    const bool known = std::any_of(tables_.begin(), tables_.end(),
                                   [&](const Table& table) { return table.name == target[0]; });
    if (target.size() != 2 || target[1] != "id" || !known) throw Mistake{"unknown reference " + target[0]};
    column.references = target[0];
    column.cascade = take_word("cascade");
    if (!column.cascade && !take_word("null")) throw Mistake{"expected cascade or null"};
  }

  static void read_range(Column& column, std::string_view text) {
    std::pair<int, int> range;
    const auto dots = text.find("..");
    const auto from = std::from_chars(text.data(), text.data() + dots, range.first);
    const auto to = std::from_chars(text.data() + dots + 2, text.data() + text.size(), range.second);
    if (from.ec != std::errc() || to.ec != std::errc()) throw Mistake{"not a range"};
    column.between = range;
  }
  void read_check(Column& column) {
    const auto text = inside();
    if (text.find("..") != std::string::npos) {
      read_range(column, text);
    } else {
      for (const auto& value : split(text, '|')) column.one_of.push_back("'" + value + "'");
    }
  }

  void read_indexes() {
    do {
      Index index;
      index.unique = take_word("uniq");
      index.brin = !index.unique && take_word("brin");
      if (!index.unique && !index.brin && !take_word("idx")) throw Mistake{"expected idx, uniq or brin"};
      index.terms = split(inside(), ',');
      if (take_word("where")) {
        skip_blanks();
        const auto end = std::min(text_.find_first_of(";\n", at_), text_.size());
        index.where = text_.substr(at_, end - at_);
        at_ = end;
      }
      index.name = index_name(index.terms, index.unique ? "key" : "idx");
      tables_.back().indexes.push_back(std::move(index));
    } while (take(';'));
  }

  /// As PostgreSQL itself would call it, but where that is too long.
  [[nodiscard]] std::string index_name(const std::vector<std::string>& terms, std::string_view kind) const {
    std::string name = tables_.back().name;
    for (const auto& term : terms) {
      std::string_view column = term;
      if (column.starts_with("lower(")) column = column.substr(6, column.size() - 7);
      column = column.substr(0, column.find(' '));
      if (tables_.back().find(column) == nullptr) throw Mistake{"no column " + term};
      name += "_" + std::string(column);
    }
    name += "_" + std::string(kind);
    if (name.size() <= kMostNameBytes) return name;
    return name.substr(0, kMostNameBytes - 9) + "_" + base::to_hex(base::sha256(name)).substr(0, 8);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Group group_ = Group::common;
  std::vector<Table> tables_;
};

}  // namespace

const Column* Table::find(std::string_view column) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const Column& one) { return one.name == column; });
  return found == columns.end() ? nullptr : &*found;
}

base::Result<std::vector<Table>, std::string> read_schema(std::string_view text) {
  Reader reader(text);
  try {
    return reader.read();
  } catch (const Mistake& mistake) {
    return "line " + std::to_string(reader.line()) + ": " + mistake.what;
  }
}

const std::vector<Table>& schema() {
  static const auto tables = [] {
    auto read = read_schema(schema_text());
    if (!read) throw std::logic_error("the schema of the store: " + read.error());
    return std::move(*read);
  }();
  return tables;
}

}  // namespace athena::control
