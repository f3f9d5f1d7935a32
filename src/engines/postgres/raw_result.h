#pragma once

#include <cstdint>
#include <deque>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engines/postgres/operation.h"
#include "engines/postgres/schema_cache.h"
#include "query/row_sink.h"

namespace athena::postgres {

/// What a caller's text returns, over all its statements and attempts: the shape by the server's description,
/// rows passed on as they come (one statement) or kept until the end (several), counts, notices. Lives in the
/// coroutine that runs the text. Shard-local.
class RawResult final : public query::RowSource {
 public:
  struct Limits {
    std::int64_t rows = 0;       ///< passed on at most
    bool stop = false;           ///< a read: nothing more is wanted behind them
    bool keep = false;           ///< rows of the last statement that returned any, only at the end
    std::size_t kept_bytes = 0;  ///< at most
  };
  RawResult(query::RowSink& sink, const SchemaCache& schema, Limits limits);

  /// Whose rows they are at the moment; null = nobody's.
  void set_current(query::RowSource* run) { current_ = run; }
  void resume() override {
    if (current_ != nullptr) current_->resume();
  }

  void begin(std::span<const ResultColumn> columns, std::span<const query::ValueFormat* const> formats);
  /// A DataRow. `stop` only when limits.stop allows it.
  query::RowFlow row(std::string_view body);
  void command(std::string_view word, std::int64_t count);
  void notice(std::string_view severity, std::string_view message);
  /// The text runs again. False when rows can't be taken back.
  bool restart();
  /// Passes kept rows on; a text without any result begins and ends an empty one.
  void finish();

  [[nodiscard]] std::int64_t passed() const { return passed_; }
  [[nodiscard]] std::int64_t affected() const { return affected_; }
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] bool malformed() const { return malformed_; }
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] int commands() const { return commands_; }
  [[nodiscard]] std::vector<std::string>&& take_notices() { return std::move(notices_); }

 private:
  struct Shape {
    std::deque<std::string> names;
    std::vector<query::OutputColumn> columns;
    std::vector<const query::ValueFormat*> formats;
  };
  void describe(Shape& shape, std::span<const ResultColumn> columns,
                std::span<const query::ValueFormat* const> formats) const;
  void announce();
  query::RowFlow pass(std::string_view body);
  void keep(std::string_view body);

  query::RowSink& sink_;
  const SchemaCache& schema_;
  const Limits limits_;
  query::RowSource* current_ = nullptr;
  Shape shape_;   // of the rows passed or kept
  Shape coming_;  // of a statement of several that has returned no row yet
  std::vector<query::Cell> cells_;
  std::string kept_;  // bodies of rows
  std::vector<std::size_t> ends_;
  query::RowShape announced_;
  std::vector<std::string> notices_;
  std::int64_t passed_ = 0;
  std::int64_t affected_ = 0;
  int commands_ = 0;
  bool described_ = false;  // of the statement at work
  bool has_coming_ = false;
  bool begun_ = false;
  bool truncated_ = false;
  bool stopped_ = false;
  bool malformed_ = false;
  bool overflowed_ = false;
};

}  // namespace athena::postgres
