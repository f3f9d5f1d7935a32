#include "engines/postgres/statement_run.h"

#include <algorithm>

#include "engines/postgres/client.h"
#include "engines/postgres/notices.h"
#include "engines/postgres/pool.h"

namespace athena::postgres {
namespace {

using base::Clock;
using query::RowFlow;

// After a cancel at the deadline the server has this long to answer; then the connection is closed.
constexpr std::chrono::milliseconds kCancelGrace{500};
constexpr std::chrono::milliseconds kGraceMargin{50};

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
    : pool_(pool),
      statement_(statement),
      feed_(feed),
      context_(context),
      is_write_(is_write),
      timer_([this] { on_timer(); }),
      cells_(&context.memory) {
  protocol = pool.transaction_pooler() ? Protocol::unnamed : Protocol::prepared;
  sql = statement.text;
  binds = statement.binds;
  feed_.set_current(this);
}

StatementRun::~StatementRun() {
  feed_.set_current(nullptr);
  if (context_.cancellation != nullptr) context_.cancellation->on_request({});
}

base::Task<> StatementRun::run_pipelined() {
  auto resumed = co_await base::suspend<int>([this](base::Completion<int> completion) {
    done_ = std::move(completion);
    began = Clock::now();
    patience_ = began + std::chrono::seconds(pool_.client().limits().acquire_timeout_seconds);
    pool_.submit(*this);
    const auto until =
        connection() == nullptr ? std::min(patience_, context_.deadline.at()) : context_.deadline.at();
    pool_.shard().timers().arm(timer_, until);
    watch_caller();
  });
  static_cast<void>(resumed);
}

base::Task<> StatementRun::run_exclusive(Connection& target) {
  exclusive_ = true;
  if (!target.open()) {
    outcome = Outcome::lost;
    co_return;
  }
  auto resumed = co_await base::suspend<int>([this, &target](base::Completion<int> completion) {
    done_ = std::move(completion);
    began = Clock::now();
    target.submit(*this);
    pool_.shard().timers().arm(timer_, context_.deadline.at());
    watch_caller();
  });
  static_cast<void>(resumed);
}

void StatementRun::watch_caller() {
  // A write runs to its end whoever is still there to hear of it.
  if (context_.cancellation == nullptr || is_write_) return;
  context_.cancellation->on_request([this] {
    // By the timer: neither from inside the suspension nor from inside the one who tells.
    end = End::caller_left;
    pool_.shard().timers().arm(timer_, Clock::now());
  });
}

/// Ends it now for the one who waits.
void StatementRun::leave(End how) {
  end = how;
  if (Connection* const on = connection(); on != nullptr) {
    on->abandon(*this, !is_write_);
  } else {
    pool_.withdraw(*this);
  }
  outcome = Outcome::pending;
  finish();
}

void StatementRun::on_timer() {
  if (end == End::caller_left) return leave(End::caller_left);
  Connection* const on = connection();
  const auto now = Clock::now();
  if (on == nullptr) return leave(now >= context_.deadline.at() ? End::deadline : End::pool_timeout);
  if (now < context_.deadline.at()) {  // it waited, and got its connection meanwhile
    pool_.shard().timers().arm(timer_, context_.deadline.at());
    return;
  }
  if (!exclusive_) return leave(End::deadline);
  if (cancelled_) return on->close(true);  // it did not even answer the cancel
  cancelled_ = true;
  end = End::deadline;
  pool_.shard().timers().arm(timer_, kCancelGrace - kGraceMargin);
  if (on->paused()) on->resume();  // the answer to the cancel has to be read
  pool_.cancel(*on);
}

void StatementRun::resume() {
  if (Connection* const on = connection(); on != nullptr) on->resume();
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
  if (columns_differ || cancelled_) return RowFlow::more;
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

void StatementRun::on_finished() {
  finish();
}

void StatementRun::finish() {
  timer_.cancel();
  if (context_.cancellation != nullptr) context_.cancellation->on_request({});
  done_(0);
}

}  // namespace athena::postgres
