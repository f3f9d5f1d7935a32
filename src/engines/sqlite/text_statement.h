#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "contract/error.h"
#include "engines/sqlite/authorizer.h"
#include "engines/sqlite/connection.h"
#include "engines/sqlite/values.h"
#include "query/row_sink.h"

namespace athena::sqlite {

/// What is known of a statement of a caller once it is compiled. Immutable and shared: the thread that runs
/// it and the shard that writes its rows both look at it.
struct TextInfo {
  enum class Kind : std::uint8_t {
    read,
    write,        ///< all that may change the file or the connection
    transaction,  ///< BEGIN, COMMIT, END, ROLLBACK
    savepoint,    ///< SAVEPOINT, RELEASE, ROLLBACK TO
    vacuum,       ///< runs outside transactions only
  };
  Kind kind = Kind::read;
  Authorizer::Findings findings;
  /// Names made unique (`name_2`), types as declared; empty = returns no rows.
  std::vector<query::OutputColumn> columns;
  std::vector<DeclaredForm> forms;
  int parameters = 0;        ///< values it takes; −1 = its placeholders are not `?` or `$1`
  std::vector<int> numbers;  ///< which of them each parameter of SQLite's takes, from 1

  std::vector<std::string> names, types;  // what `columns` looks at
};

/// A compiled statement of a caller's text. Reset, or freed when the connection does not keep it, at the end
/// of its scope.
class TextStatement {
 public:
  /// Compiles the statement of `text` that begins at byte `offset`; where it is all of a short text the
  /// connection keeps it. A NUL stands behind `text`, as behind that of a std::string, and none in it.
  /// Errors: statement_not_allowed, and the database's, with `position` in `text`.
  static contract::Result<TextStatement> compile(Connection& connection, std::string_view text,
                                                 std::size_t offset, bool hurried);
  TextStatement(TextStatement&& other) noexcept;
  TextStatement& operator=(TextStatement&&) = delete;
  ~TextStatement();

  /// Null for a text of nothing.
  [[nodiscard]] sqlite3_stmt* handle() const { return handle_; }
  [[nodiscard]] const TextInfo& info() const { return *info_; }
  [[nodiscard]] const std::shared_ptr<const TextInfo>& shared_info() const { return info_; }
  /// Of the connection's cache; null when it is not there.
  [[nodiscard]] Prepared* kept() const { return kept_; }
  /// Bytes of the text that it takes.
  [[nodiscard]] std::size_t size() const { return size_; }

  /// The next row or the end, SQLite's code. After the first step info() is that of the schema as it is.
  int step(Connection& connection, bool hurried);
  [[nodiscard]] contract::Error error(Connection& connection, int code) const;

 private:
  TextStatement() = default;

  sqlite3_stmt* handle_ = nullptr;
  std::shared_ptr<const TextInfo> info_;
  Prepared* kept_ = nullptr;
  std::size_t size_ = 0;
  int compiled_again_ = 0;
  bool stepped_ = false;
};

/// The byte at which the next statement begins, from `offset` on; the text's size when none does.
std::size_t next_statement(std::string_view text, std::size_t offset);
/// True when there is a statement behind the first; for texts that SQLite could not compile.
bool has_more_statements(std::string_view text);

}  // namespace athena::sqlite
