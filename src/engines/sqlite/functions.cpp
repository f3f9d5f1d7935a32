#include "engines/sqlite/functions.h"

#include <sqlite3.h>

#include <string_view>
#include <utility>

#include "base/json_validator.h"
#include "engines/sqlite/connection.h"
#include "engines/sqlite/like.h"

namespace athena::sqlite {
namespace {

std::string_view text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

template <LikePattern::Case sensitivity>
void like(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL || sqlite3_value_type(values[1]) == SQLITE_NULL) return;
  auto* pattern = static_cast<LikePattern*>(sqlite3_get_auxdata(context, 0));
  std::optional<LikePattern> compiled;
  if (pattern == nullptr) {
    compiled = LikePattern::compile(text_of(values[0]), sensitivity);
    if (!compiled) {
      sqlite3_result_error(context, "LIKE pattern must not end with escape character", -1);
      return;
    }
    pattern = &*compiled;
  }
  auto& connection = *static_cast<Connection*>(sqlite3_user_data(context));
  const auto match = pattern->matches(text_of(values[1]), [&connection] { return connection.must_stop(); });
  if (match == LikePattern::Match::interrupted) {
    sqlite3_result_error_code(context, SQLITE_INTERRUPT);
  } else {
    sqlite3_result_int(context, match == LikePattern::Match::yes ? 1 : 0);
  }
  // Kept for the next row when the pattern is a constant of the statement; SQLite frees it.
  if (compiled) {
    sqlite3_set_auxdata(context, 0, new LikePattern(std::move(*compiled)),
                        [](void* kept) { delete static_cast<LikePattern*>(kept); });
  }
}

/// SQLite's own is not for the schemas of files that are not trusted, and tables that check their JSON are
/// common.
void json_valid(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const bool valid = sqlite3_value_type(values[0]) != SQLITE_NULL && base::is_json(text_of(values[0]));
  sqlite3_result_int(context, valid ? 1 : 0);
}

}  // namespace

int register_functions(Connection& connection) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  int code = sqlite3_create_function_v2(connection.handle(), "json_valid", 1, kFlags, nullptr, &json_valid,
                                        nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return code;
  code = sqlite3_create_function_v2(connection.handle(), "athena_like", 2, kFlags, &connection,
                                    &like<LikePattern::Case::sensitive>, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return code;
  return sqlite3_create_function_v2(connection.handle(), "athena_ilike", 2, kFlags, &connection,
                                    &like<LikePattern::Case::folded>, nullptr, nullptr, nullptr);
}

}  // namespace athena::sqlite
