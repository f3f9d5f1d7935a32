#include "services/control/postgres_errors.h"

#include <libpq-fe.h>

namespace athena::control {

using Kind = StoreError::Kind;

Kind kind_of_state(std::string_view sql_state) {
  if (sql_state == "40001" || sql_state == "40P01") return Kind::retry;
  const auto of_class = sql_state.substr(0, 2);
  if (of_class == "23") return Kind::conflict;
  // Connection, resources, intervention of an operator, system; a lock not to be had; a server that only
  // reads.
  if (of_class == "08" || of_class == "53" || of_class == "57" || of_class == "58" || sql_state == "55P03" ||
      sql_state == "25006")
    return Kind::unreachable;
  return Kind::failed;
}

StoreError error_of(const pg_result* result) {
  const auto field = [result](int code) -> std::string {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? std::string() : text;
  };
  const auto state = field(PG_DIAG_SQLSTATE);
  auto message = field(PG_DIAG_MESSAGE_PRIMARY);
  // The sentences of data exceptions quote the value; where it was is all that may be said.
  if (state.starts_with("22")) {
    message = "a value was refused";
    auto where = field(PG_DIAG_CONTEXT);  // COPY t, line 1, column c: "value"
    if (where.starts_with("COPY ")) message += " (" + where.substr(0, where.find(": \"")) + ")";
  }
  if (message.empty()) message = first_line(PQresultErrorMessage(result));
  const auto kind = state.empty() ? Kind::unreachable : kind_of_state(state);
  return {kind, std::move(message), state};
}

std::string first_line(std::string_view message) {
  const auto line = message.substr(0, message.find('\n'));
  return line.empty() ? "no connection" : std::string(line);
}

}  // namespace athena::control
