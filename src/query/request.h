#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_reader.h"

namespace athena::query {

/// A value of the caller: numbers keep their digits. Lives in the arena of the request.
using Value = base::JsonNode;
using base::JsonMember;

template <class T>
using List = std::pmr::vector<T>;

struct Target {
  std::string_view schema;  ///< empty = not given
  std::string_view table;
};

/// One `->key` or `->>key` of a JSON path. A key of digits is an array index.
struct JsonStep {
  std::string_view key;
  bool as_text = false;  ///< `->>`
  bool is_index = false;
};

struct ColumnRef {
  std::string_view name;
  std::span<const JsonStep> path;
  std::string_view cast;  ///< `::type` as written, without the colons; spelled like a type, the engine knows
                          ///< whether it is one
};

/// An entry of `columns`.
struct Projection {
  bool all = false;  ///< `*`
  ColumnRef column;
  std::string_view alias;  ///< empty = last JSON key, else the name as written in the request
};

enum class Operator : std::uint8_t {
  eq,
  neq,
  isdistinct,
  gt,
  gte,
  lt,
  lte,
  like,
  ilike,
  match,
  imatch,
  is,
  in,
  contains,
  contained_by,
  overlaps,
  sl,
  sr,
  nxr,
  nxl,
  adj,
  fts,
  plfts,
  phfts,
};
/// Spelling of the contract: `containedBy` …
std::string_view name(Operator op);

enum class IsTest : std::uint8_t { null, not_null, true_, false_, unknown };

/// A node of the condition tree.
struct Predicate {
  enum class Kind : std::uint8_t { compare, all_of, any_of };
  Kind kind = Kind::compare;
  bool negated = false;          ///< `not.` prefix, or an odd number of `not` around it
  Operator op = Operator::eq;    ///< compare
  ColumnRef column;              ///< compare; `column.cast` = column_cast
  const Value* value = nullptr;  ///< compare; never null for compare
  std::string_view value_cast;
  /// The value was written in an expression: a string, also one inside of an array, is the text form of the
  /// type it is compared with, so JSON text for json and jsonb.
  bool text_form = false;
  std::string_view text_search_config;  ///< fts family
  IsTest is_test = IsTest::null;        ///< `is`
  std::span<const Predicate> children;  ///< all_of, any_of; never empty
  std::string_view member;              ///< path for error details: `conditions[2]`
};

struct SortTerm {
  enum class Nulls : std::uint8_t { standard, first, last };  ///< standard: last ascending, first descending
  ColumnRef column;
  bool descending = false;
  Nulls nulls = Nulls::standard;
};

struct Page {
  std::optional<std::int64_t> limit;  ///< absent for update and delete without limit
  std::int64_t offset = 0;
  bool default_limit = false;  ///< the limit is the default, not the caller's: one row more is asked for
  bool stable_order = false;   ///< offset, current_page or page_size was given: a tie-breaker is appended
};

/// How the rows that match are counted, without limit: by looking, by the planner's guess, or by looking when
/// the guess is at most 10,000.
enum class CountMode : std::uint8_t { none, exact, planned, estimated };

struct Select {
  Target target;
  List<Projection> columns;    ///< empty = all
  List<Predicate> conditions;  ///< ANDed
  List<SortTerm> sort;
  Page page;
  CountMode count =
      CountMode::none;  ///< for the caller of the engine, which asks for a Count beside the rows
  bool head = false;    ///< no rows are asked for; the engine is not given such a Select
};

/// How many rows match. Its result is one row of one number, the column `count`.
struct Count {
  Target target;
  List<Predicate> conditions;
  CountMode mode = CountMode::exact;  ///< never none
};

struct Assignment {
  std::string_view column;
  const Value* value;
};

struct Insert {
  Target target;
  bool array_input = false;  ///< the body was an array
  List<const Value*> rows;   ///< objects
  bool has_conflict_target = false;
  List<std::string_view> on_conflict;  ///< columns
  List<Assignment> update_body;        ///< SET on conflict; empty = none given
  bool ignore_duplicates = false;
  bool default_to_null = false;
  bool return_nothing = false;  ///< `columns: []` or `head`
  bool head = false;
  List<Projection> returning;  ///< empty = all
};

struct Update {
  Target target;
  List<Assignment> set;  ///< never empty
  List<Predicate> conditions;
  bool allow_unfiltered = false;
  List<SortTerm> sort;
  Page page;
  bool return_nothing = false;
  bool head = false;
  List<Projection> returning;
};

struct Delete {
  Target target;
  const Value* resource_id = nullptr;  ///< string, number or object
  List<Predicate> conditions;
  List<SortTerm> sort;
  Page page;
  bool return_rows = false;  ///< `columns` was given
  List<Projection> returning;
};

/// Parsed once, immutable afterwards. Everything it points to lives in the arena it was parsed with.
using Request = std::variant<Select, Insert, Update, Delete, Count>;

const Target& target(const Request& request);
bool is_write(const Request& request);

}  // namespace athena::query
