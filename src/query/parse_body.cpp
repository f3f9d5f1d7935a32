#include "query/parse.h"

namespace athena::query {

contract::Result<const Value*> parse_body(std::string_view body, std::pmr::memory_resource& memory) {
  static constexpr std::string_view kNothing = "{}";
  auto parsed = base::parse_json(body.empty() ? kNothing : body, memory);
  if (!parsed) {
    const base::JsonError& error = parsed.error();
    return contract::Error(contract::ErrorCode::invalid_json,
                           "Invalid JSON at line " + std::to_string(error.line) + ", column " +
                               std::to_string(error.column) + ": " + error.message + ".")
        .with("position", static_cast<std::int64_t>(error.position))
        .with("line", static_cast<std::int64_t>(error.line))
        .with("column", static_cast<std::int64_t>(error.column));
  }
  if (!(*parsed)->is_object()) {
    return contract::Error(contract::ErrorCode::invalid_payload, "The body must be a JSON object.");
  }
  return *parsed;
}

}  // namespace athena::query
