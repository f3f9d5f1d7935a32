#include "engines/postgres/simple_run.h"

namespace athena::postgres {
namespace {

class Detached final : public Operation {
 public:
  Detached(base::Shard& shard, Connection& connection, std::string text, std::chrono::milliseconds limit,
           std::function<void(Outcome)> done)
      : text_(std::move(text)), done_(std::move(done)), timer_([&connection] { connection.close(true); }) {
    protocol = Protocol::simple;
    sql = text_;
    connection.submit(*this);
    shard.timers().arm(timer_, limit);
  }
  bool on_columns(std::span<const query::ValueFormat* const>) override { return true; }
  query::RowFlow on_row(std::string_view) override { return query::RowFlow::more; }
  void on_finished() override {
    timer_.cancel();
    const auto how = outcome;
    const auto done = std::move(done_);
    delete this;
    done(how);
  }

 private:
  std::string text_;
  std::function<void(Outcome)> done_;
  base::Timer timer_;  // armed only while the connection works on this
};

}  // namespace

SimpleRun::SimpleRun(base::Shard& shard, Connection& connection, std::string text)
    : shard_(shard), target_(connection), text_(std::move(text)), timer_([this] { target_.close(true); }) {
  protocol = Protocol::simple;
  sql = text_;
}

base::Task<Operation::Outcome> SimpleRun::run(base::Deadline deadline) {
  if (!target_.open()) co_return Outcome::lost;
  auto resumed = co_await base::suspend<int>([this, deadline](base::Completion<int> completion) {
    done_ = std::move(completion);
    shard_.timers().arm(timer_, deadline.at());
    target_.submit(*this);
  });
  static_cast<void>(resumed);
  co_return outcome;
}

void SimpleRun::on_finished() {
  timer_.cancel();
  done_(0);
}

void run_detached(base::Shard& shard, Connection& connection, std::string text,
                  std::chrono::milliseconds limit, std::function<void(Operation::Outcome)> done) {
  new Detached(shard, connection, std::move(text), limit, std::move(done));  // deletes itself
}

}  // namespace athena::postgres
