#pragma once

#include "api/operation.h"
#include "query/json_sink.h"

namespace athena::api {

/// Rows of raw SQL as JSON: `"columns":[{"name":…,"type":…}],"rows":[…` for the shape with columns, else the
/// rows alone. The text before the rows depends on the result, so it is written when that is known.
class RawRows final : public query::RowSink {
 public:
  RawRows(Call& call, query::JsonRowOptions options, bool with_columns);
  void begin(const query::RowShape& shape, query::RowSource& source) override;
  query::RowFlow row(std::span<const query::Cell> cells) override { return rows_.row(cells); }
  bool restart() override;
  /// Writes the beginning when no result has, and closes the list of rows.
  void end();
  [[nodiscard]] query::JsonRowSink& rows() { return rows_; }

 private:
  base::Buffer& out_;
  query::JsonRowSink rows_;
  const bool with_columns_;
  const std::size_t start_;
  bool begun_ = false;
};

/// The client's own limit of rows, which counts once the client is known: the default is lowered to it, a
/// `max_rows` of the body above it is limit_too_large.
contract::Result<void> limit_rows(const Call& call, const Operation& operation, query::RawText& raw);
/// `backend` of the meta: postgres, sqlite.
std::string_view backend_name(contract::Engine engine);
/// The meta of raw SQL.
Meta raw_meta(const query::Summary& summary, const Operation& operation);

}  // namespace athena::api
