#include "services/records/writer.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "base/ascii.h"

namespace athena::records {
namespace {

using base::Clock;
using control::StoreError;
using control::StoreResult;

// A call to a store that does not answer; a rebuild of the statistics keeps the writer waiting for longer,
// and then the batch comes again.
constexpr std::chrono::seconds kCallTime{5};
constexpr std::chrono::minutes kWarnEvery{1};
constexpr std::size_t kMostTold = 20000;

}  // namespace

Writer::Writer(Queue& queue, Counters& counters, Options options, const Settings& settings)
    : queue_(queue), counters_(counters), options_(std::move(options)), settings_(settings) {}

Writer::~Writer() {
  if (thread_.joinable()) stop(base::Deadline::in(std::chrono::milliseconds(0)));
}

void Writer::start() {
  thread_ = std::thread([this] { run(); });
}

void Writer::configure(const Settings& settings) {
  const std::lock_guard lock(mutex_);
  settings_ = settings;
}

void Writer::set_fingerprint_key(std::string key) {
  const std::lock_guard lock(mutex_);
  fingerprint_key_ = std::move(key);
}

Settings Writer::settings() {
  const std::lock_guard lock(mutex_);
  return settings_;
}

std::size_t Writer::stop(base::Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    last_ = deadline;
  }
  wake_.notify_all();
  queue_.stop();
  if (thread_.joinable()) thread_.join();
  return left_over_ + queue_.drop_all(Dropped::shutdown);
}

bool Writer::out_of_time() {
  const std::lock_guard lock(mutex_);
  return stopping_ && last_.expired();
}

base::Deadline Writer::call_deadline() {
  const std::lock_guard lock(mutex_);
  return last_.capped(kCallTime);
}

/// False: it was told to stop, and its time is over.
bool Writer::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  if (stopping_) {
    constexpr std::chrono::milliseconds kShort{100};
    if (last_.expired()) return false;
    wake_.wait_until(lock, std::min(last_.at(), Clock::now() + kShort));
    return !last_.expired();
  }
  wake_.wait_for(lock, time, [this] { return stopping_; });
  return true;
}

void Writer::run() {
  pthread_setname_np(pthread_self(), "athena-records");
  std::vector<Chunk> chunks;
  for (;;) {
    const auto current = settings();
    // What waits on its shard waits for the last fifth.
    if (!queue_.take(current.flush_interval * 4 / 5, current.flush_max_records, chunks)) break;
    if (!write(chunks)) {
      for (const auto& chunk : chunks) {
        left_over_ += chunk.count();
        counters_.drop(chunk.kind(), Dropped::shutdown, chunk.count());
      }
    }
    queue_.release(chunks);
    if (out_of_time()) break;
  }
  session_.reset();
}

std::int64_t Writer::allowance(const Settings& settings) {
  if (settings.max_rows_per_second == 0) return std::numeric_limits<std::int64_t>::max();
  const auto now = Clock::now();
  const auto rate = static_cast<double>(settings.max_rows_per_second);
  const double seconds = std::chrono::duration<double>(now - rate_at_).count();
  rate_left_ = rate_at_ == Clock::time_point{} ? rate : std::min(rate, rate_left_ + seconds * rate);
  rate_at_ = now;
  return static_cast<std::int64_t>(std::max(rate_left_, 0.0));
}

bool Writer::write(const std::vector<Chunk>& chunks) {
  if (session_ == nullptr) session_ = options_.make_session();
  const auto current = settings();
  std::optional<Batch> batch;
  std::optional<BatchContext> context;
  std::string fingerprint_key;
  bool in_doubt = false;
  auto time = options_.first_pause;
  for (;;) {
    session_->set_deadline(call_deadline());
    auto done = learn();
    if (done) {
      if (!batch) {
        {
          const std::lock_guard lock(mutex_);
          fingerprint_key = fingerprint_key_;
        }
        context.emplace(
            BatchContext{current, options_.instance_id, fingerprint_key, tables_, counters_, first_uses_});
        batch.emplace(*context, chunks, allowance(current));
        batch->forget_told(told_keys_, told_clients_);
        rate_left_ -= static_cast<double>(batch->row_count());
      }
      done = attempt(*batch, in_doubt);
    }
    if (done) break;
    failed(done.error());
    if (!pause(time)) return false;
    time = std::min(time * 2, options_.longest_pause);
  }
  count_written(*batch);
  return true;
}

/// What has to be known before the first batch: which tables have statistics, and the fingerprints' key.
StoreResult<void> Writer::learn() {
  if (learnt_ || !options_.target.main) return {};
  auto names = session_->execute("SELECT DISTINCT client_name, table_name FROM client_table_statistics");
  if (!names) return names.error();
  auto key = session_->execute("SELECT value FROM athena_settings WHERE name = 'fingerprint_key'");
  if (!key) return key.error();
  for (const auto& row : names->rows)
    tables_.add(base::lower_case(control::as_text(row[0])), control::as_text(row[1]));
  if (!key->rows.empty()) {
    const auto& text = control::as_text(key->rows[0][0]);
    set_fingerprint_key(text);
    if (options_.on_fingerprint_key) options_.on_fingerprint_key(text);
  }
  learnt_ = true;
  return {};
}

StoreResult<void> Writer::attempt(Batch& batch, bool& in_doubt) {
  if (in_doubt && options_.target.main) {
    auto written = was_written(*session_, batch);
    if (!written) return written.error();
    if (*written) return {};
    in_doubt = false;
  }
  for (;;) {
    const auto began = Clock::now();
    auto done = flush(*session_, batch, options_.target);
    counters_.flush_seconds.observe(std::chrono::duration<double>(Clock::now() - began).count());
    if (done) return done;
    counters_.flush_failures.fetch_add(1, std::memory_order_relaxed);
    in_doubt = done.error().kind == StoreError::Kind::unreachable;
    if (!is_content_failure(done.error())) return done;
    auto removed = remove_bad_rows(*session_, batch);
    if (!removed) return removed.error();
    if (!*removed) return done;
  }
}

void Writer::count_written(const Batch& batch) {
  for (const auto& log : batch.logs()) counters_.write(log.kind, log.rows.size());
  if (options_.target.main) {
    counters_.write(Kind::registry, batch.registry().size());
    counters_.write(Kind::statistics, batch.statistics().keys());
  }
  const auto tell = [](auto& told, const auto& used) {
    if (told.size() > kMostTold) told.clear();
    for (const auto& [name, at] : used) told[name] = at;
  };
  tell(told_keys_, batch.keys_used());
  tell(told_clients_, batch.clients_seen());
}

void Writer::failed(const StoreError& error) {
  const auto now = Clock::now();
  if (warned_at_ != Clock::time_point{} && now - warned_at_ < kWarnEvery) return;
  warned_at_ = now;
  if (options_.warn) {
    options_.warn("records cannot be written (" + std::to_string(queue_.size()) + " wait): " + error.message);
  }
}

}  // namespace athena::records
