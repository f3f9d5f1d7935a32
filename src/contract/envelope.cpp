#include "contract/envelope.h"

#include <random>

#include "base/json_writer.h"

namespace athena::contract {

void append_error(base::Buffer& out, const Error& error, const ErrorEnvelope& context) {
  const auto& entry = info(error.code());
  const std::string_view sentence = context.terse ? entry.message : std::string_view(error.text());
  out.append(R"({"status":"error","code":")");
  out.append(entry.name);
  out.append(R"(","message":)");
  base::append_json_string(out, context.sentence_as_message ? sentence : entry.message);
  out.append(R"(,"error":)");
  base::append_json_string(out, sentence);
  out.append(R"(,"request_id":)");
  base::append_json_string(out, context.request_id);
  if (!error.hint().empty()) {
    out.append(R"(,"hint":)");
    base::append_json_string(out, error.hint());
  }
  out.append(R"(,"data":{)");
  bool first = true;
  if (!context.operation.empty()) {
    out.append(R"("operation":)");
    base::append_json_string(out, context.operation);
    first = false;
  }
  bool any_detail = false;
  for (const auto& detail : error.details()) {
    if (context.terse && detail.from_database) continue;
    if (any_detail) {
      out.push_back(',');
    } else {
      out.append(first ? R"("details":{)" : R"(,"details":{)");
    }
    any_detail = true;
    base::append_json_string(out, detail.name);
    out.push_back(':');
    out.append(detail.json);
  }
  out.append(any_detail ? "}}}" : "}}");
}

std::uint32_t retry_after_seconds(const Error& error) {
  const auto status = info(error.code()).status;
  if (status != 429 && status != 503) return 0;
  if (error.retry_after_seconds()) return std::max<std::uint32_t>(1, *error.retry_after_seconds());
  switch (error.code()) {
    case ErrorCode::overloaded:
    case ErrorCode::pool_timeout: {
      // spread out, so that refused callers do not come back together
      thread_local std::minstd_rand generator{std::random_device{}()};
      return std::uniform_int_distribution<std::uint32_t>(1, 5)(generator);
    }
    case ErrorCode::not_ready:
    case ErrorCode::auth_store_unavailable:
    case ErrorCode::control_store_unavailable:
      return 2;
    default:
      return 1;
  }
}

}  // namespace athena::contract
