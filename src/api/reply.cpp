#include "api/reply.h"

#include "base/json_writer.h"

namespace athena::api {

void append_meta(base::Buffer& out, const Call& call, const Meta& meta) {
  out.append(R"("meta":{"returned_row_count":)");
  base::append_integer(out, meta.returned_row_count);
  out.append(meta.truncated ? R"(,"truncated":true)" : R"(,"truncated":false)");
  if (meta.next_offset) {
    out.append(R"(,"next_offset":)");
    base::append_integer(out, *meta.next_offset);
  }
  out.append(R"(,"cache":"off","engine":")");
  out.append(meta.engine);
  out.append(R"(","duration_ms":)");
  const auto elapsed = base::Clock::now() - call.exchange.received_at();
  base::append_milliseconds(out, std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count());
  if (meta.attempts > 1) {
    out.append(R"(,"attempts":)");
    base::append_integer(out, meta.attempts);
  }
  if (meta.sql != nullptr) {
    out.append(R"(,"sql":[)");
    for (std::size_t i = 0; i < meta.sql->size(); ++i) {
      if (i != 0) out.push_back(',');
      base::append_json_string(out, (*meta.sql)[i]);
    }
    out.push_back(']');
  }
  out.push_back('}');
}

std::string counted(std::string_view verb, std::int64_t count, std::string_view noun) {
  return std::string(verb) + " " + std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace athena::api
