#include "api/raw_output.h"

#include "api/json_builder.h"
#include "api/row_output.h"

namespace athena::api {

RawRows::RawRows(Call& call, query::JsonRowOptions options, bool with_columns)
    : out_(call.exchange.response().body),
      rows_(out_, options),
      with_columns_(with_columns),
      start_(out_.size()) {
  stream_rows(call, rows_);
}

void RawRows::begin(const query::RowShape& shape, query::RowSource& source) {
  out_.truncate(start_);
  begun_ = true;
  if (with_columns_) {
    JsonBuilder json(out_);
    out_.append("\"columns\":");
    json.begin_array();
    for (const auto& column : shape.columns) {
      if (column.hidden) continue;
      json.begin_object().member("name", column.name);
      if (column.type_name.empty()) {
        json.key("type").raw("null");
      } else {
        json.member("type", column.type_name);
      }
      json.end_object();
    }
    json.end_array();
    out_.append(",\"rows\":");
  }
  out_.push_back('[');
  rows_.begin(shape, source);
}

bool RawRows::restart() {
  if (!rows_.restart()) return false;
  out_.truncate(start_);
  begun_ = false;
  return true;
}

void RawRows::end() {
  if (!begun_) out_.append(with_columns_ ? R"("columns":[],"rows":[)" : "[");
  out_.push_back(']');
}

contract::Result<void> limit_rows(const Call& call, const Operation& operation, query::RawText& raw) {
  const auto most = operation.max_rows(call);
  if (raw.max_rows <= most) return {};
  if (operation.body->find_present("max_rows") != nullptr) {
    return contract::Error(contract::ErrorCode::limit_too_large,
                           "max_rows must be at most " + std::to_string(most) + ".")
        .with("member", "max_rows")
        .with("limit", raw.max_rows)
        .with("max", most);
  }
  raw.max_rows = most;
  return {};
}

std::string_view backend_name(contract::Engine engine) {
  switch (engine) {
    case contract::Engine::postgresql:
      return "postgres";
    case contract::Engine::scylla:
      return "cql";
    case contract::Engine::d1:
      return "cloudflare-d1";
    default:
      return name(engine);
  }
}

Meta raw_meta(const query::Summary& summary, const Operation& operation) {
  Meta meta = meta_of(summary, operation.engine());
  meta.raw = {summary.rows_affected, summary.statement_count,
              backend_name(operation.client->definition.engine)};
  if (operation.explain) meta.sql = &operation.sql;
  return meta;
}

}  // namespace athena::api
