#include "engines/postgres/statement_run.h"

#include <algorithm>

#include "engines/postgres/notices.h"
#include "engines/postgres/pool.h"

namespace athena::postgres {
namespace {

using query::RowFlow;

}  // namespace

// ---- ResultFeed ----

ResultFeed::ResultFeed(query::RowSink& sink, const sql::Plan& plan, std::int64_t max_rows)
    : sink_(sink), plan_(&plan) {
  limit_ = plan.row_limit < 0 ? max_rows : std::min(plan.row_limit, max_rows);
  limit_is_cap_ = plan.row_limit < 0 || plan.row_limit > max_rows || plan.extra_row;
}

void ResultFeed::begin(const sql::Statement& statement) {
  if (begun_) return;
  begun_ = true;
  shape_ = {statement.columns, statement.resource_id};
  sink_.begin(shape_, *this);
}

RowFlow ResultFeed::row(std::span<const query::Cell> cells) {
  if (plan_->reorder) return keep(cells), RowFlow::more;
  return pass(cells);
}

RowFlow ResultFeed::pass(std::span<const query::Cell> cells) {
  if (stopped_) return RowFlow::stop;
  if (passed_ >= limit_) {
    truncated_ = truncated_ || limit_is_cap_;
    return RowFlow::more;
  }
  ++passed_;
  const auto flow = sink_.row(cells);
  if (flow == RowFlow::stop) stopped_ = true;
  return flow;
}

bool ResultFeed::restart() {
  kept_.clear();
  statement_begin_ = 0;
  truncated_ = false;
  stopped_ = false;
  notices_.clear();
  if (!begun_) return true;
  passed_ = 0;
  return sink_.restart();
}

void ResultFeed::keep(std::span<const query::Cell> cells) {
  KeptRow& row = kept_.emplace_back();
  row.cells.reserve(cells.size());
  for (const auto& cell : cells) {
    row.cells.emplace_back(static_cast<std::uint32_t>(cell.text.size()), cell.format);
    row.text.append(cell.text);
  }
}

void ResultFeed::notice(std::string_view severity, std::string_view message) {
  append_notice(notices_, severity, message);
}

void ResultFeed::statement_over(const sql::Statement& statement) {
  for (std::size_t index = statement_begin_; index < kept_.size(); ++index) {
    const std::size_t nth = index - statement_begin_;
    const std::uint64_t input = nth < statement.input_rows.size() ? statement.input_rows[nth] : UINT32_MAX;
    kept_[index].place = (input << 32) | index;
  }
  statement_begin_ = kept_.size();
}

void ResultFeed::finish() {
  if (kept_.empty()) return;
  std::ranges::sort(kept_, {}, &KeptRow::place);
  std::vector<query::Cell> cells;
  for (const auto& row : kept_) {
    cells.clear();
    std::size_t at = 0;
    for (const auto& [length, format] : row.cells) {
      cells.push_back({std::string_view(row.text).substr(at, length), format});
      at += length;
    }
    // A receiver that wants a pause gets the rows all the same: they are in memory either way.
    pass(cells);
  }
  kept_.clear();
}

// ---- StatementRun ----

StatementRun::StatementRun(Pool& pool, const sql::Statement& statement, ResultFeed& feed, bool is_write,
                           const engines::ExecutionContext& context)
    : TimedRun(pool, context, context.deadline, !is_write),
      statement_(statement),
      feed_(feed),
      is_write_(is_write),
      cells_(&context.memory) {
  protocol = pool.transaction_pooler() ? Protocol::unnamed : Protocol::prepared;
  sql = statement.text;
  binds = statement.binds;
  feed_.set_current(this);
}

StatementRun::~StatementRun() {
  feed_.set_current(nullptr);
}

bool StatementRun::on_columns(std::span<const query::ValueFormat* const> formats) {
  if (formats.size() != statement_.columns.size()) {
    // A write has run when its columns come: it can't be taken back. A read is compiled again.
    if (!is_write_) return false;
    columns_differ = true;
    return true;
  }
  formats_ = formats;
  cells_.resize(formats.size());
  feed_.begin(statement_);
  return true;
}

RowFlow StatementRun::on_row(std::string_view body) {
  if (columns_differ || cancelled()) return RowFlow::more;
  if (!wire::read_row(body, formats_, cells_)) {
    malformed = true;
    return RowFlow::more;
  }
  const auto flow = feed_.row(cells_);
  if (flow == RowFlow::stop && is_write_) return RowFlow::more;
  return flow;
}

void StatementRun::on_notice(const wire::ErrorFields& fields) {
  feed_.notice(fields.severity, fields.message);
}

}  // namespace athena::postgres
