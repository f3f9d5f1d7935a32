// Athena's own statements: catalogue queries on exclusive connections.
#include "engines/postgres/errors.h"
#include "engines/postgres/pool.h"
#include "engines/postgres/simple_run.h"

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;

// The statement between them has a deadline of its own; these two must only not hang for ever.
constexpr std::chrono::minutes kFrameLimit{10};

class TextRun final : public Operation {
 public:
  TextRun(base::Shard& shard, Pool& pool, Connection& connection)
      : shard_(shard), pool_(pool), target_(connection), timer_([this] { on_timer(); }) {}

  base::Task<> run(base::Deadline deadline) {
    auto resumed = co_await base::suspend<int>([this, deadline](base::Completion<int> completion) {
      done_ = std::move(completion);
      shard_.timers().arm(timer_, deadline.at());
      // Compiling a catalogue query to machine code takes a hundred times what running it takes. All three
      // leave in one write.
      run_detached(shard_, target_, "/* athena:catalogue */ BEGIN; SET LOCAL jit = off", kFrameLimit,
                   [](Outcome) {});
      target_.submit(*this);
      run_detached(shard_, target_, "/* athena:catalogue */ COMMIT", kFrameLimit, [](Outcome) {});
    });
    static_cast<void>(resumed);
  }
  std::vector<TextRow> rows;
  bool malformed = false;
  bool timed_out = false;

  bool on_columns(std::span<const query::ValueFormat* const> formats) override {
    formats_ = formats;
    cells_.resize(formats.size());
    return true;
  }
  query::RowFlow on_row(std::string_view body) override {
    if (!wire::read_row(body, formats_, cells_)) {
      malformed = true;
      return query::RowFlow::more;
    }
    TextRow& row = rows.emplace_back();
    row.reserve(cells_.size());
    for (const auto& cell : cells_) {
      if (cell.format == nullptr) {
        row.emplace_back();
      } else {
        row.emplace_back(cell.text);
      }
    }
    return query::RowFlow::more;
  }
  void on_finished() override {
    timer_.cancel();
    done_(0);
  }

 private:
  void on_timer() {
    if (timed_out) return target_.close(true);  // not even the cancel was answered
    timed_out = true;
    shard_.timers().arm(timer_, std::chrono::milliseconds(500));
    pool_.cancel(target_);
  }

  base::Shard& shard_;
  Pool& pool_;
  Connection& target_;
  base::Timer timer_;
  base::Completion<int> done_;
  std::span<const query::ValueFormat* const> formats_;
  std::vector<query::Cell> cells_;
};

}  // namespace

base::Task<contract::Result<std::vector<TextRow>>> Pool::query(
    std::string sql, std::vector<std::optional<std::string>> parameters, base::Deadline deadline) {
  std::vector<sql::Bind> binds;
  for (const auto& parameter : parameters) {
    sql::Bind bind;
    bind.kind = parameter ? sql::Bind::Kind::text : sql::Bind::Kind::null;
    if (parameter) bind.text = *parameter;
    binds.push_back(bind);
  }
  // A connection may turn out to be dead, or a cancel that was meant for the one before may hit: once more,
  // elsewhere.
  for (int attempt = 1;; ++attempt) {
    auto lease = co_await acquire(deadline);
    if (!lease) co_return lease.error();
    Connection& connection = **lease;
    TextRun run(shard_, *this, connection);
    run.protocol = Operation::Protocol::unnamed;
    run.sql = sql;
    run.binds = binds;
    co_await run.run(deadline);
    switch (run.outcome) {
      case Operation::Outcome::done:
        if (run.malformed)
          co_return Error(ErrorCode::upstream_error, "The database sent a row that cannot be read.");
        co_return std::move(run.rows);
      case Operation::Outcome::error:
        if (run.timed_out && run.error->sql_state == "57014") co_return deadline_error();
        co_return map_error(*run.error, {});
      case Operation::Outcome::lost:
        if (run.timed_out) co_return deadline_error();
        if (attempt == 1 && !deadline.expired()) continue;
        co_return lost_error(run.error.get(), false);
      case Operation::Outcome::stray_cancel:
        if (attempt <= 3 && !deadline.expired()) continue;
        co_return deadline_error();
      default:
        co_return Error(ErrorCode::database_error);
    }
  }
}

}  // namespace athena::postgres
