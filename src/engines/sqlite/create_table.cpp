#include "engines/sqlite/create_table.h"

#include <utility>

#include "engines/sqlite/statement_text.h"

namespace athena::sqlite {
namespace {

using Kind = Token::Kind;

class Parser {
 public:
  explicit Parser(std::string_view sql) : rest_(sql) { advance(); }

  std::vector<WrittenConstraint> parse() {
    if (!skip_head()) return {};
    while (token_.kind != Kind::end && token_.kind != Kind::close) {
      parse_item();
      if (token_.kind == Kind::comma) advance();
    }
    return std::move(found_);
  }

 private:
  void advance() { token_ = next_token(rest_); }

  /// Up to behind the parenthesis that opens the columns.
  bool skip_head() {
    if (!token_.is("CREATE")) return false;
    advance();
    if (token_.is("TEMP") || token_.is("TEMPORARY")) advance();
    if (!token_.is("TABLE")) return false;
    while (token_.kind != Kind::end && token_.kind != Kind::open) {
      if (token_.is("AS")) return false;
      advance();
    }
    advance();
    return token_.kind != Kind::end;
  }

  /// A column with its constraints, or constraints of the table; commas between those may be left out.
  void parse_item() {
    column_.clear();
    name_.clear();
    if (!begins_constraint()) {
      column_ = token_.name();
      advance();
    }
    while (token_.kind != Kind::end && token_.kind != Kind::comma && token_.kind != Kind::close) {
      parse_part();
    }
  }

  [[nodiscard]] bool begins_constraint() const {
    return token_.is("CONSTRAINT") || token_.is("PRIMARY") || token_.is("UNIQUE") || token_.is("CHECK") ||
           token_.is("FOREIGN");
  }

  void parse_part() {
    if (token_.kind == Kind::open) {
      skip_group();
    } else if (token_.is("CONSTRAINT")) {
      advance();
      name_ = token_.name();
      advance();
    } else if (token_.is("PRIMARY")) {
      advance();  // KEY
      advance();
      add(WrittenConstraint::Kind::primary_key);
      read_columns();
    } else if (token_.is("UNIQUE")) {
      advance();
      add(WrittenConstraint::Kind::unique);
      read_columns();
    } else if (token_.is("CHECK")) {
      advance();
      add(WrittenConstraint::Kind::check);
      if (token_.kind == Kind::open) found_.back().check = group();
    } else if (token_.is("FOREIGN")) {
      advance();  // KEY
      advance();
      add(WrittenConstraint::Kind::foreign_key);
      read_columns();
      awaits_reference_ = true;
    } else if (token_.is("REFERENCES")) {
      advance();
      if (!std::exchange(awaits_reference_, false)) add(WrittenConstraint::Kind::foreign_key);
      advance();  // the table
    } else if (token_.is("DEFAULT") || token_.is("COLLATE")) {
      advance();
      if (token_.kind != Kind::open) advance();
    } else {
      advance();
    }
  }

  void add(WrittenConstraint::Kind kind) {
    found_.push_back({kind, std::exchange(name_, {}), {}, {}});
    if (!column_.empty()) found_.back().columns.push_back(column_);
  }

  /// The columns in parentheses of a constraint of the table.
  void read_columns() {
    if (!column_.empty() || token_.kind != Kind::open) return;
    advance();
    bool first = true;  // of its item: COLLATE and DESC may follow
    for (int depth = 1; token_.kind != Kind::end && depth > 0; advance()) {
      if (token_.kind == Kind::open) ++depth;
      if (token_.kind == Kind::close) --depth;
      if (depth == 0) break;
      if (first) found_.back().columns.push_back(token_.name());
      first = token_.kind == Kind::comma && depth == 1;
    }
    if (token_.kind == Kind::close) advance();
  }

  void skip_group() { group(); }
  /// From `(` to its `)`.
  std::string group() {
    const char* begin = token_.text.data();
    const char* end = begin;
    int depth = 0;
    do {
      if (token_.kind == Kind::open) ++depth;
      if (token_.kind == Kind::close) --depth;
      end = token_.text.data() + token_.text.size();
      advance();
    } while (depth > 0 && token_.kind != Kind::end);
    return {begin, end};
  }

  std::string_view rest_;
  Token token_;
  std::string column_;  // of the item; empty for constraints of the table
  std::string name_;    // CONSTRAINT name, for what follows
  bool awaits_reference_ = false;
  std::vector<WrittenConstraint> found_;
};

}  // namespace

std::vector<WrittenConstraint> written_constraints(std::string_view sql) {
  return Parser(sql).parse();
}

}  // namespace athena::sqlite
