#include "services/control/session.h"

#include <memory_resource>
#include <stdexcept>

#include "engines/sql/dialect.h"
#include "services/control/session_homes.h"

namespace athena::control {

bool is_null(const Value& value) {
  return std::holds_alternative<std::monostate>(value);
}

bool as_bool(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer != 0;
  return std::get<bool>(value);
}

std::int64_t as_integer(const Value& value) {
  return std::get<std::int64_t>(value);
}

double as_number(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return std::get<double>(value);
}

const std::string& as_text(const Value& value) {
  return std::get<std::string>(value);
}

std::string text_or_empty(const Value& value) {
  return is_null(value) ? std::string() : as_text(value);
}

void throw_exception_from_error(const StoreError& error, const boost::source_location&) {
  throw std::runtime_error("the store: " + error.message);
}

std::string quote_name(std::string_view name) {
  std::pmr::string text;
  sql::append_identifier(text, name);
  return std::string(text);
}

std::unique_ptr<Session> make_session(const StoreLocation& location) {
  return location.home == Home::postgres ? make_postgres_session(location) : make_sqlite_session(location);
}

}  // namespace athena::control
