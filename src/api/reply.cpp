#include "api/reply.h"

#include "base/json_writer.h"

namespace athena::api {
namespace {

void append_list(base::Buffer& out, std::span<const std::string> texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i != 0) out.push_back(',');
    base::append_json_string(out, texts[i]);
  }
}

/// `,"name":["…"]`, unless there is none.
void append_texts(base::Buffer& out, std::string_view name, std::span<const std::string> texts) {
  if (texts.empty()) return;
  out.append(",\"");
  out.append(name);
  out.append("\":[");
  append_list(out, texts);
  out.push_back(']');
}

}  // namespace

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
  append_duration(out, call);
  if (meta.raw) {
    out.append(R"(,"rows_affected":)");
    base::append_integer(out, meta.raw->rows_affected);
    out.append(R"(,"statement_count":)");
    base::append_integer(out, meta.raw->statement_count);
    out.append(R"(,"backend":")");
    out.append(meta.raw->backend);
    out.push_back('"');
  }
  append_texts(out, "notices", meta.notices);
  if (meta.attempts > 1) {
    out.append(R"(,"attempts":)");
    base::append_integer(out, meta.attempts);
  }
  if (meta.sql != nullptr) {
    out.append(R"(,"sql":[)");
    append_list(out, *meta.sql);
    out.push_back(']');
  }
  out.push_back('}');
}

void append_duration(base::Buffer& out, const Call& call) {
  const auto elapsed = base::Clock::now() - call.exchange.received_at();
  base::append_milliseconds(out, std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count());
}

Meta meta_of(const query::Summary& summary, std::string_view engine) {
  Meta meta;
  meta.returned_row_count = summary.rows_returned;
  meta.truncated = summary.truncated;
  meta.engine = engine;
  meta.attempts = summary.attempts;
  meta.notices = summary.notices;
  return meta;
}

std::optional<std::int64_t> next_offset(const query::Page& page, const query::Summary& summary) {
  const bool own_limit_reached =
      !page.default_limit && summary.rows_returned > 0 && summary.rows_returned == page.limit;
  if (!summary.truncated && !own_limit_reached) return std::nullopt;
  return page.offset + summary.rows_returned;
}

std::string counted(std::string_view verb, std::int64_t count, std::string_view noun) {
  return std::string(verb) + " " + std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace athena::api
