#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace athena::sqltext {

/// What a statement of the caller does, as far as its text tells.
enum class StatementClass : std::uint8_t {
  read,        ///< SELECT, VALUES, TABLE, SHOW, EXPLAIN; functions it calls may do anything
  write,       ///< INSERT, UPDATE, DELETE, MERGE, also below WITH; SELECT INTO, SELECT … FOR UPDATE
  ddl,         ///< the schema, rights, maintenance, CALL, DO: whatever is none of the others
  session,     ///< SET, PREPARE, cursors, LOCK, NOTIFY, transactions
  refused,     ///< COPY, LISTEN, UNLISTEN, LOAD, ALTER SYSTEM
  unparsable,  ///< the database may know better
};
/// `read`, `write` …
std::string_view name(StatementClass kind);

struct StatementText {
  StatementClass kind = StatementClass::unparsable;
  std::size_t begin = 0;     ///< byte of the text; blanks and comments before it belong to it
  std::string_view command;  ///< refused: COPY, LISTEN …
};

struct RelationName {
  std::string schema;  ///< empty = not given
  std::string name;
  bool maybe_cte = false;  ///< a WITH of the statement has that name
  bool operator==(const RelationName&) const = default;
};

/// The objects that one read uses, each once, in order of appearance.
struct UsedNames {
  std::vector<RelationName> relations;
  std::vector<std::string> functions;   ///< unqualified or of pg_catalog
  std::vector<std::string> types;       ///< of casts; as functions
  std::vector<std::string> operators;   ///< as functions
  std::vector<std::string> attributes;  ///< `b` of `a.b` and `(a).b`: a column, or a function of one row
};

struct TextClass {
  std::vector<StatementText> statements;  ///< in order; none: only comments; one when it can't be parsed
  /// The statement's own; of several read when all are, else the last in the order of the enumeration.
  StatementClass kind = StatementClass::read;
  /// Deeper or longer than is looked into, and than PostgreSQL would take.
  bool too_complex = false;
  bool counts = false;  ///< see is_count_query()
  int parameters = 0;   ///< highest `$n`
  /// One read, nothing of which is known to forbid that it shares a connection with others: all depends on
  /// what `names` are in the database's catalogue.
  bool plain = false;
  std::optional<std::int64_t> limit;  ///< one read: its constant LIMIT
  UsedNames names;                    ///< one statement
};

/// Never throws but for memory; any text, any thread. Text above 256 KiB is not parsed but told apart by its
/// keywords: never more harmless than it is, never `plain`.
TextClass classify(std::string_view text);

}  // namespace athena::sqltext
