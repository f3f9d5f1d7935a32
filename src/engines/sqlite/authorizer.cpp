#include "engines/sqlite/authorizer.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <span>

namespace athena::sqlite {
namespace {

std::string_view view(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

bool is(std::string_view name, std::string_view known) {
  return known.size() == name.size() &&
         sqlite3_strnicmp(known.data(), name.data(), static_cast<int>(name.size())) == 0;
}

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [name](std::string_view known) { return is(name, known); });
}

constexpr std::array<std::string_view, 9> kPragmas{"table_info",       "table_xinfo",  "index_list",
                                                   "index_info",       "index_xinfo",  "table_list",
                                                   "foreign_key_list", "user_version", "integrity_check"};
// Virtual tables of full text search read these when they are opened.
constexpr std::array<std::string_view, 2> kPragmasOfModules{"data_version", "page_size"};

}  // namespace

Authorizer::Scope::Scope(Authorizer& authorizer, What what) : authorizer_(authorizer) {
  authorizer.active_ = true;
  authorizer.what_ = what;
  authorizer.findings_ = {};
}

void Authorizer::install(sqlite3* connection) {
  sqlite3_set_authorizer(
      connection,
      [](void* self, int action, const char* first, const char* second, const char* schema,
         const char* /*trigger*/) {
        return static_cast<Authorizer*>(self)->check(action, first, second, schema);
      },
      this);
}

int Authorizer::refuse(std::string_view what) {
  findings_.refused = what;
  return SQLITE_DENY;
}

int Authorizer::check_pragma(std::string_view name, bool with_argument) {
  if (is_one_of(name, kPragmas)) {
    if (with_argument && is(name, "user_version")) return refuse("PRAGMA user_version with a value");
    if (!what_.hurried || !is(name, "integrity_check")) return SQLITE_OK;
    findings_.lengthy = true;
    return SQLITE_DENY;
  }
  if (!what_.pragma && !with_argument && is_one_of(name, kPragmasOfModules)) return SQLITE_OK;
  return refuse("this PRAGMA");
}

int Authorizer::check(int action, const char* first, const char* second, const char* schema) {
  if (!active_) return SQLITE_OK;
  const bool temporary = view(schema) == "temp";
  switch (action) {
    case SQLITE_ATTACH:
      if (what_.vacuum && first != nullptr && *first == '\0') return SQLITE_OK;
      return refuse(what_.vacuum ? "VACUUM INTO" : "ATTACH");
    case SQLITE_DETACH:
      return refuse("DETACH");
    case SQLITE_PRAGMA:
      return check_pragma(view(first), second != nullptr);
    case SQLITE_FUNCTION:
      for (const std::string_view function : {"load_extension", "fts3_tokenizer"}) {
        if (is(function, view(second))) return refuse(function);
      }
      return SQLITE_OK;
    case SQLITE_TRANSACTION:
      findings_.transaction = view(first);
      return SQLITE_OK;
    case SQLITE_SAVEPOINT:
      findings_.savepoint = view(first);
      findings_.savepoint_name = view(second);
      return SQLITE_OK;
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_DROP_TEMP_INDEX:
    case SQLITE_DROP_TEMP_TABLE:
    case SQLITE_DROP_TEMP_TRIGGER:
    case SQLITE_DROP_TEMP_VIEW:
      findings_.temporary = true;
      findings_.changes_schema = true;
      return SQLITE_OK;
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_VTABLE:
    case SQLITE_ALTER_TABLE:
    case SQLITE_REINDEX:
    case SQLITE_ANALYZE:
      findings_.temporary = findings_.temporary || temporary;
      findings_.changes_schema = true;
      return SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      findings_.temporary = findings_.temporary || temporary;
      findings_.changes_rows = findings_.changes_rows || !view(first).starts_with("sqlite_");
      return SQLITE_OK;
    default:
      return SQLITE_OK;
  }
}

}  // namespace athena::sqlite
