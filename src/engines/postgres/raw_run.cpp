#include "engines/postgres/raw_run.h"

#include "engines/postgres/pool.h"

namespace athena::postgres {
namespace {

using query::RowFlow;

}  // namespace

RawRun::RawRun(Pool& pool, RawResult& result, const engines::ExecutionContext& context,
               base::Deadline deadline, bool may_leave)
    : TimedRun(pool, context, deadline, may_leave), result_(result) {
  result_.set_current(this);
}

RawRun::~RawRun() {
  result_.set_current(nullptr);
}

bool RawRun::on_columns(std::span<const query::ValueFormat* const> formats) {
  result_.begin(columns(), formats);
  return true;
}

RowFlow RawRun::on_row(std::string_view body) {
  if (cancelled() || overflowed()) return RowFlow::more;
  const auto flow = result_.row(body);
  if (overflowed()) check_now();
  return flow;
}

void RawRun::on_command(std::string_view word, std::int64_t count) {
  result_.command(word, count);
}

void RawRun::on_notice(const wire::ErrorFields& fields) {
  result_.notice(fields.severity, fields.message);
}

// ---- DescribeRun ----

DescribeRun::DescribeRun(Pool& pool, Connection& connection, std::string_view text)
    : pool_(pool), target_(connection), timer_([this] { target_.close(true); }) {
  protocol = Protocol::describe;
  sql = text;
}

base::Task<Operation::Outcome> DescribeRun::run(base::Deadline deadline) {
  if (!target_.open()) co_return Outcome::lost;
  auto resumed = co_await base::suspend<int>([this, deadline](base::Completion<int> completion) {
    done_ = std::move(completion);
    pool_.shard().timers().arm(timer_, deadline.at());
    target_.submit(*this);
  });
  static_cast<void>(resumed);
  co_return outcome;
}

void DescribeRun::on_parameters(std::string_view oids) {
  parameter_oids.clear();
  for (std::size_t at = 0; at + 4 <= oids.size(); at += 4)
    parameter_oids.push_back(wire::read_u32(oids.data() + at));
}

void DescribeRun::on_finished() {
  timer_.cancel();
  done_(0);
}

}  // namespace athena::postgres
