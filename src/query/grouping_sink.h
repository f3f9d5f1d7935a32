#pragma once

#include <memory>
#include <optional>

#include "contract/error.h"
#include "query/grouping.h"
#include "query/json_sink.h"

namespace athena::query {

/// Passes rows on to a JsonRowSink and groups them on the way. The rows must stay in the JSON sink's buffer
/// until append_grouped(): no streaming, a limit on bytes instead. Shard-local.
class GroupingSink final : public RowSink {
 public:
  /// `rows` writes into `out`; `grouping` and what it points to outlive this.
  GroupingSink(JsonRowSink& rows, base::Buffer& out, const Grouping& grouping, bool snake_case_keys);
  ~GroupingSink() override;

  void begin(const RowShape& shape, RowSource& source) override;
  /// Stops the result once failure() is set.
  RowFlow row(std::span<const Cell> cells) override;
  bool restart() override;

  /// invalid_post_processing: a column that is not selected, a value that is no number.
  [[nodiscard]] const std::optional<contract::Error>& failure() const;
  /// What had no effect, for meta.notices; empty = nothing.
  [[nodiscard]] std::string_view notice() const;
  /// `{"grouped":[{"label":…,"rows":[…],"aggregation":…},…]}`, appended to `to`, which may be the buffer that
  /// holds the rows. Once, after the operation has ended well; may set failure() (then nothing is appended).
  void append_grouped(base::Buffer& to);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace athena::query
