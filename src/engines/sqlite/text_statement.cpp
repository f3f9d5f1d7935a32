#include "engines/sqlite/text_statement.h"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <utility>

#include "engines/sqlite/statement_text.h"

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

// Longer texts are compiled each time: a cache of such would hold megabytes.
constexpr std::size_t kKeptText = 16 * 1024;

Authorizer::Scope::What what_of(std::string_view text, bool hurried) {
  const Token first = next_token(text);
  return {first.is("PRAGMA"), first.is("VACUUM"), hurried};
}

/// The first VACUUM with INTO of a text; SQLite itself would see the file only when it runs.
bool vacuums_into(std::string_view text) {
  if (!next_token(text).is("VACUUM")) return false;
  for (Token token = next_token(text); token.kind != Token::Kind::end && token.kind != Token::Kind::semicolon;
       token = next_token(text)) {
    if (token.is("INTO")) return true;
  }
  return false;
}

Error not_allowed(std::string_view what) {
  return Error(ErrorCode::statement_not_allowed, "Raw SQL on SQLite must not use " + std::string(what) + ".");
}

std::string_view text_of(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

/// `$12` and `$1` in any order, or `?` and `?3` as SQLite counts them; not both.
void read_parameters(sqlite3_stmt* statement, TextInfo& info) {
  const int count = sqlite3_bind_parameter_count(statement);
  info.parameters = count;
  bool dollars = false;
  bool questions = false;
  int highest = 0;
  for (int i = 1; i <= count; ++i) {
    const std::string_view name = text_of(sqlite3_bind_parameter_name(statement, i));
    int number = i;
    if (name.empty() || name.front() == '?') {
      questions = true;
    } else {
      dollars = true;
      const auto [end, failure] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
      const bool digits = failure == std::errc() && end == name.data() + name.size() && number > 0;
      if (name.front() != '$' || !digits) info.parameters = -1;
    }
    info.numbers.push_back(number);
    highest = std::max(highest, number);
  }
  if (info.parameters < 0 || (dollars && questions)) {
    info.parameters = -1;
  } else if (dollars) {
    info.parameters = highest;
  }
}

void read_columns(sqlite3_stmt* statement, TextInfo& info) {
  const int count = sqlite3_column_count(statement);
  const bool declared = sqlite3_stmt_isexplain(statement) == 0;
  std::unordered_set<std::string> taken;
  for (int i = 0; i < count; ++i) info.names.emplace_back(text_of(sqlite3_column_name(statement, i)));
  std::unordered_set<std::string> all(info.names.begin(), info.names.end());
  for (int i = 0; i < count; ++i) {
    std::string& name = info.names[static_cast<std::size_t>(i)];
    if (!taken.insert(name).second) {
      // The next free one; a column that is called `name_2` keeps its name.
      std::string free;
      for (int n = 2; free.empty() || !all.insert(free).second; ++n) free = name + "_" + std::to_string(n);
      name = std::move(free);
      taken.insert(name);
    }
    const std::string_view type = declared ? text_of(sqlite3_column_decltype(statement, i)) : "";
    info.types.emplace_back(type);
    sql::Type declaration;
    declaration.category = category_of(type);
    info.forms.push_back(type.empty() ? DeclaredForm::plain : declared_form(&declaration));
  }
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    info.columns.push_back({info.names[at], info.types[at], false});
  }
}

TextInfo::Kind kind_of(sqlite3_stmt* statement, const Authorizer::Findings& findings, bool vacuum) {
  using K = TextInfo::Kind;
  if (sqlite3_stmt_isexplain(statement) != 0) return K::read;
  if (!findings.transaction.empty()) return K::transaction;
  if (!findings.savepoint.empty()) return K::savepoint;
  if (vacuum) return K::vacuum;
  return sqlite3_stmt_readonly(statement) != 0 ? K::read : K::write;
}

}  // namespace

Result<TextStatement> TextStatement::compile(Connection& connection, std::string_view whole,
                                             std::size_t offset, bool hurried) {
  TextStatement result;
  const std::string_view text = whole.substr(offset);
  Prepared* kept = offset == 0 && whole.size() <= kKeptText ? connection.find_text(whole) : nullptr;
  if (kept != nullptr) {
    result.handle_ = kept->statement;
    result.info_ = kept->info;
    result.kept_ = kept;
    result.size_ = text.size();
    result.compiled_again_ = sqlite3_stmt_status(kept->statement, SQLITE_STMTSTATUS_REPREPARE, 0);
    return result;
  }
  const auto what = what_of(text, hurried);
  if (what.vacuum && vacuums_into(text)) return not_allowed("VACUUM INTO");
  const char* tail = nullptr;
  int code = SQLITE_OK;
  {
    const Authorizer::Scope scope(connection.authorizer(), what);
    // With the NUL behind it SQLite does not copy the rest of the text for each of its statements.
    code = sqlite3_prepare_v3(connection.handle(), text.data(), static_cast<int>(text.size()) + 1, 0,
                              &result.handle_, &tail);
  }
  const Authorizer::Findings& findings = connection.authorizer().findings();
  if (code != SQLITE_OK) {
    const int error_offset = sqlite3_error_offset(connection.handle());
    if (!findings.refused.empty()) return not_allowed(findings.refused);
    Error error = connection.error(code);
    if (error_offset >= 0) {
      const auto position = character_position(whole, offset + static_cast<std::size_t>(error_offset));
      error.with_json("position", std::to_string(position), true);
    }
    return error;
  }
  result.size_ = std::min(static_cast<std::size_t>(tail - text.data()), text.size());
  if (result.handle_ == nullptr) return result;
  auto info = std::make_shared<TextInfo>();
  info->findings = findings;
  info->kind = kind_of(result.handle_, findings, what.vacuum);
  read_parameters(result.handle_, *info);
  read_columns(result.handle_, *info);
  result.info_ = std::move(info);
  if (offset == 0 && whole.size() <= kKeptText && skip_blank(text.substr(result.size_)).empty()) {
    result.kept_ = connection.keep_text(text, result.handle_, result.info_);
    result.size_ = text.size();
  }
  return result;
}

TextStatement::TextStatement(TextStatement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      info_(std::move(other.info_)),
      kept_(std::exchange(other.kept_, nullptr)),
      size_(other.size_),
      compiled_again_(other.compiled_again_),
      stepped_(other.stepped_) {}

TextStatement::~TextStatement() {
  if (kept_ != nullptr) {
    const StatementUse use(handle_);
  } else {
    sqlite3_finalize(handle_);
  }
}

int TextStatement::step(Connection& connection, bool hurried) {
  const Authorizer::Scope scope(connection.authorizer(),
                                {false, info_->kind == TextInfo::Kind::vacuum, hurried});
  const int code = sqlite3_step(handle_);
  if (std::exchange(stepped_, true)) return code;
  if (sqlite3_stmt_status(handle_, SQLITE_STMTSTATUS_REPREPARE, 0) == compiled_again_) return code;
  // The schema has changed since it was compiled, so its columns may be others.
  auto info = std::make_shared<TextInfo>();
  info->kind = info_->kind;
  info->findings = info_->findings;
  info->parameters = info_->parameters;
  info->numbers = info_->numbers;
  read_columns(handle_, *info);
  info_ = std::move(info);
  if (kept_ != nullptr) kept_->info = info_;
  return code;
}

Error TextStatement::error(Connection& connection, int code) const {
  const auto& refused = connection.authorizer().findings().refused;
  if ((code & 0xFF) == SQLITE_AUTH && !refused.empty()) return not_allowed(refused);
  return connection.error(code);
}

std::size_t next_statement(std::string_view text, std::size_t offset) {
  return text.size() - skip_blank(text.substr(std::min(offset, text.size()))).size();
}

bool has_more_statements(std::string_view text) {
  Token token = next_token(text);
  while (token.kind != Token::Kind::end && token.kind != Token::Kind::semicolon) token = next_token(text);
  return !skip_blank(text).empty();
}

}  // namespace athena::sqlite
