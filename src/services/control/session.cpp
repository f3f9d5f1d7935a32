#include "services/control/session.h"

#include <array>
#include <cstdio>
#include <ctime>
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

std::string time_text(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const auto thousandths = static_cast<int>(unix_ms % 1000);
  size +=
      static_cast<std::size_t>(std::snprintf(text.data() + size, text.size() - size, ".%03dZ", thousandths));
  return {text.data(), size};
}

std::unique_ptr<Session> make_session(const StoreLocation& location) {
  return location.home == Home::postgres ? make_postgres_session(location) : make_sqlite_session(location);
}

}  // namespace athena::control
