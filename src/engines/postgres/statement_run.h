#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "engines/postgres/timed_run.h"
#include "engines/sql/statement.h"
#include "query/row_sink.h"

namespace athena::postgres {

/// Counts and forwards the rows of one request, over all its statements and attempts.
class ResultFeed final : public query::RowSource {
 public:
  ResultFeed(query::RowSink& sink, const sql::Plan& plan, std::int64_t max_rows);
  /// Rows come from another plan of the same request now (compiled again); the first one stays alive.
  void follow(const sql::Plan& plan) { plan_ = &plan; }
  /// Whose rows they are at the moment; null = nobody's.
  void set_current(query::RowSource* run) { current_ = run; }
  void resume() override {
    if (current_ != nullptr) current_->resume();
  }

  /// The first statement begins the result.
  void begin(const sql::Statement& statement);
  query::RowFlow row(std::span<const query::Cell> cells);
  /// The statement runs again: drops what was passed. False when it can't be taken back.
  bool restart();
  /// A statement of several is over: rows that have to be sorted are kept until the end.
  void statement_over(const sql::Statement& statement);
  /// Passes on kept rows, in the order of the request's input.
  void finish();

  /// What the database said beside the rows: at most 10 of 1 KiB.
  void notice(std::string_view severity, std::string_view message);
  [[nodiscard]] std::vector<std::string>&& take_notices() { return std::move(notices_); }

  [[nodiscard]] std::int64_t passed() const { return passed_; }
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] bool begun() const { return begun_; }

 private:
  struct KeptRow {
    std::uint64_t place = 0;  ///< row of the input, then order of arrival
    std::string text;         ///< of all cells
    std::vector<std::pair<std::uint32_t, const query::ValueFormat*>> cells;  ///< length and format
  };
  query::RowFlow pass(std::span<const query::Cell> cells);
  void keep(std::span<const query::Cell> cells);

  query::RowSink& sink_;
  const sql::Plan* plan_;
  query::RowSource* current_ = nullptr;
  std::int64_t limit_;
  bool limit_is_cap_;
  std::int64_t passed_ = 0;
  bool truncated_ = false;
  bool begun_ = false;
  bool stopped_ = false;
  query::RowShape shape_;
  std::vector<KeptRow> kept_;
  std::vector<std::string> notices_;
  std::size_t statement_begin_ = 0;  // first kept row of the statement at work
};

/// One compiled statement and its rows.
class StatementRun final : public TimedRun {
 public:
  StatementRun(Pool& pool, const sql::Statement& statement, ResultFeed& feed, bool is_write,
               const engines::ExecutionContext& context);
  ~StatementRun() override;

  bool malformed = false;       ///< a row could not be read
  bool columns_differ = false;  ///< of a write that ran: the result is not what was compiled

  bool on_columns(std::span<const query::ValueFormat* const> formats) override;
  query::RowFlow on_row(std::string_view body) override;
  void on_notice(const wire::ErrorFields& fields) override;

 private:
  const sql::Statement& statement_;
  ResultFeed& feed_;
  const bool is_write_;
  std::span<const query::ValueFormat* const> formats_;
  std::pmr::vector<query::Cell> cells_;
};

}  // namespace athena::postgres
