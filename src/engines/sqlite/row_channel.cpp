#include "engines/sqlite/row_channel.h"

#include <utility>

#include "engines/sqlite/errors.h"

namespace athena::sqlite {
namespace {

// A write that has begun tells its end by the deadline itself; the channel gives up on one that hangs inside
// the file system.
constexpr std::chrono::milliseconds kGrace{400};

}  // namespace

RowChannel::RowChannel(base::Shard& shard, query::RowSink& sink, const query::RowShape& shape,
                       base::Deadline deadline, Kind kind)
    : sink_(&sink),
      shape_(&shape),
      deadline_(deadline),
      kind_(kind),
      timer_([this] { on_timer(); }),
      shard_(&shard) {}

RowChannel::RowChannel(base::Shard& shard, query::RowSink& sink, base::Deadline deadline, Kind kind)
    : sink_(&sink),
      shape_(nullptr),
      deadline_(deadline),
      kind_(kind),
      timer_([this] { on_timer(); }),
      shard_(&shard) {}

base::Task<contract::Result<RowChannel::Result>> RowChannel::wait() {
  const auto self = shared_from_this();
  {
    const std::lock_guard lock(mutex_);
    if (shard_ != nullptr) shard_->timers().arm(timer_, deadline_.at());
  }
  if (!result_) {
    auto woken = co_await base::suspend<int>(
        [this](base::Completion<int> completion) { completion_ = std::move(completion); });
    (void)woken;
  }
  timer_.cancel();
  co_return std::move(*result_);
}

void RowChannel::continue_from(RowBatch rows, std::size_t next, query::Summary summary) {
  current_ = std::move(rows);
  next_row_ = next;
  summary_ = std::move(summary);
  begun_ = true;
  paused_ = true;
  const std::lock_guard lock(mutex_);
  Outcome outcome;
  outcome.truncated = summary.truncated;
  outcome_.emplace(std::move(outcome));
}

void RowChannel::end(contract::Result<Result> result) {
  if (ended_) return;
  ended_ = true;
  result_ = std::move(result);
  current_.reset();
  {
    const std::lock_guard lock(mutex_);
    stopped_.store(true, std::memory_order_relaxed);
    ready_.clear();
    sink_ = nullptr;
    shape_ = nullptr;
  }
  changed_.notify_all();
  if (completion_) std::exchange(completion_, {})(0);
}

void RowChannel::on_timer() {
  bool running_write = false;
  bool done = false;
  {
    const std::lock_guard lock(mutex_);
    running_write = kind_ == Kind::write && started_;
    done = outcome_.has_value();
    if (running_write && !done && base::Clock::now() < deadline_.at() + kGrace) {
      if (shard_ != nullptr) shard_->timers().arm(timer_, deadline_.at() + kGrace);
      return;
    }
    stopped_.store(
        true, std::memory_order_relaxed);  // in one step with the look at started_: it cannot start any more
  }
  if (!running_write) return end(deadline_error());
  end(contract::Error(contract::ErrorCode::outcome_unknown,
                      done ? "The write was done, but its rows could not be delivered by the deadline."
                           : "The write may still be running at its deadline."));
}

void RowChannel::cancel() {
  if (kind_ == Kind::write || ended_) return;
  stopped_.store(true, std::memory_order_relaxed);
  changed_.notify_all();
  // Not at once: the caller may stand inside the sink.
  const std::lock_guard lock(mutex_);
  if (shard_ == nullptr) return;
  shard_->post([self = shared_from_this()] {
    self->end(contract::Error(contract::ErrorCode::client_closed_request, "The caller has left."));
  });
}

void RowChannel::resume() {
  paused_ = false;
  post_delivery();
}

void RowChannel::abandon() {
  timer_.cancel();
  stopped_.store(kind_ == Kind::read || stopped_, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  shard_ = nullptr;
  changed_.notify_all();
}

bool RowChannel::start() {
  const std::lock_guard lock(mutex_);
  if (stopped_.load(std::memory_order_relaxed)) return false;
  started_ = true;
  return true;
}

void RowChannel::describe(std::shared_ptr<const std::vector<query::OutputColumn>> columns) {
  const std::lock_guard lock(mutex_);
  columns_ = std::move(columns);
}

bool RowChannel::push(RowBatch batch) {
  {
    std::unique_lock lock(mutex_);
    const auto stopped = [this] { return stopped_.load(std::memory_order_relaxed) || shard_ == nullptr; };
    changed_.wait_until(lock, deadline_.at(), [&] { return stopped() || ready_.size() < kBatchesInFlight; });
    if (stopped() || ready_.size() >= kBatchesInFlight) return false;
    ready_.push_back(std::move(batch));
  }
  post_delivery();
  return true;
}

void RowChannel::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_.store(true, std::memory_order_relaxed);
  }
  changed_.notify_all();
}

void RowChannel::finish(contract::Result<Outcome> outcome) {
  {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
  }
  post_delivery();
}

void RowChannel::post_delivery() {
  const std::lock_guard lock(mutex_);
  if (posted_ || shard_ == nullptr) return;
  posted_ = true;
  shard_->post([self = shared_from_this()] { self->deliver(); });
}

void RowChannel::begin_rows() {
  begun_ = true;
  if (shape_ == nullptr) {
    const std::lock_guard lock(mutex_);
    if (columns_) described_shape_.columns = *columns_;
    shape_ = &described_shape_;
  }
  sink_->begin(*shape_, *this);
}

bool RowChannel::deliver_rows(const RowBatch& batch) {
  while (next_row_ < batch.rows()) {
    ++summary_.rows_returned;
    paused_ = true;  // beforehand, as the sink may resume from inside the call
    const query::RowFlow flow = sink_->row(batch.row(next_row_++, cells_));
    if (flow != query::RowFlow::pause) paused_ = false;
    if (flow == query::RowFlow::stop) enough_ = true;
    if (flow != query::RowFlow::more) return false;
  }
  return true;
}

void RowChannel::deliver() {
  {
    const std::lock_guard lock(mutex_);
    posted_ = false;
  }
  while (!ended_ && !paused_) {
    if (!current_ && !enough_) {
      const std::lock_guard lock(mutex_);
      if (!ready_.empty()) {
        current_ = std::move(ready_.front());
        ready_.pop_front();
      } else if (outcome_ && outcome_->has_value() && !(*outcome_)->rows.empty()) {
        current_ = std::move((*outcome_)->rows.front());
        (*outcome_)->rows.erase((*outcome_)->rows.begin());
      }
      next_row_ = 0;
      changed_.notify_all();
    }
    if (current_ && !enough_) {
      if (!begun_) begin_rows();
      if (deliver_rows(*current_) || enough_) current_.reset();
      // A read of which nobody wants more is over; a write is over when it is stored.
      if (enough_ && kind_ == Kind::read) return end(Result{summary_});
      continue;
    }
    std::optional<contract::Result<Outcome>> outcome;
    {
      const std::lock_guard lock(mutex_);
      if (!outcome_) return;
      outcome = std::move(outcome_);
      outcome_.emplace(Outcome{});
    }
    if (!outcome->has_value()) return end(outcome->error());
    Outcome& last = **outcome;
    if (!last.schema_changed && !last.needs_writer && !begun_) begin_rows();
    summary_.rows_affected = last.rows_affected;
    summary_.truncated = last.truncated;
    summary_.statement_count = last.statement_count;
    return end(Result{summary_, last.schema_changed, last.needs_writer});
  }
}

}  // namespace athena::sqlite
