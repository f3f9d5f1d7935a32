#pragma once

#include <optional>

#include "api/operation.h"
#include "query/csv_sink.h"
#include "query/json_sink.h"

namespace athena::api {

/// Sends rows on while they arrive, and wakes the engine when the caller has read. A reply that cannot be
/// streamed (HTTP/1.0) gets a limit on its bytes instead: see too_large_for_http_1_0.
void stream_rows(Call& call, query::TextRowSink& sink);

/// Sends what went wrong with a reply of rows: they were more than may be held, or the engine failed, before
/// the first byte (`with_deadline` of it) or behind it (the stream breaks). False when nothing did.
bool send_failure(Call& call, const Operation& operation, const query::TextRowSink& rows,
                  const contract::Result<query::Summary>& summary);

/// A CSV or NDJSON reply, from its head to its trailers. Nothing of it enters the response before the engine
/// gives the first row or the operation has ended well, so that a failure before is the usual envelope.
class RowStream {
 public:
  /// `format` is csv or ndjson.
  RowStream(Call& call, Format format, query::JsonRowOptions options);
  [[nodiscard]] query::TextRowSink& sink() { return *sink_; }
  /// X-Athena-Count; before the first row.
  void set_count(std::int64_t count) { count_ = count; }
  void finish(const query::Summary& summary);
  void fail(const contract::Error& error);

 private:
  void write_headers();

  Call& call_;
  Format format_;
  std::optional<query::JsonRowSink> lines_;
  std::optional<query::CsvRowSink> csv_;
  query::TextRowSink* sink_;
  std::optional<std::int64_t> count_;
  bool has_headers_ = false;
};

}  // namespace athena::api
