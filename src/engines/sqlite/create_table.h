#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace athena::sqlite {

/// A constraint as it stands in the text of a CREATE TABLE.
struct WrittenConstraint {
  enum class Kind : std::uint8_t { primary_key, unique, foreign_key, check };
  Kind kind;
  std::string name;                  ///< of `CONSTRAINT name`; empty = none
  std::vector<std::string> columns;  ///< of a check: the column it stands with, if any
  std::string check;                 ///< the expression, with its parentheses
};

/// The constraints of a `CREATE TABLE`, in their order, for what SQLite's pragmas do not tell: names and
/// checks. `sql` is what sqlite_schema holds, so SQLite has parsed it before; of text that is no CREATE TABLE
/// (a virtual table, a view) nothing comes back. Any thread, linear.
std::vector<WrittenConstraint> written_constraints(std::string_view sql);

}  // namespace athena::sqlite
