#include "api/count_beside.h"

#include <charconv>

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

/// The number in the one cell of a count.
class NumberSink final : public query::RowSink {
 public:
  void begin(const query::RowShape& /*shape*/, query::RowSource& /*source*/) override {}
  query::RowFlow row(std::span<const query::Cell> cells) override {
    const auto text = cells.empty() ? std::string_view{} : cells.front().text;
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) number_ = number;
    return query::RowFlow::more;
  }
  bool restart() override {
    number_.reset();
    return true;
  }
  [[nodiscard]] contract::Result<std::int64_t> result() const {
    if (!number_) return Error(ErrorCode::upstream_error, "The database returned no number of rows.");
    return *number_;
  }

 private:
  std::optional<std::int64_t> number_;
};

}  // namespace

base::Task<contract::Result<std::int64_t>> count_rows(engines::QueryBackend& backend,
                                                      const query::Request& count,
                                                      const engines::ExecutionContext& context) {
  NumberSink sink;
  auto summary = co_await backend.execute(count, sink, context);
  if (!summary) co_return summary.error();
  co_return sink.result();
}

base::Task<contract::Result<std::int64_t>> count_rows(engines::RawBackend& backend,
                                                      const query::RawText& text,
                                                      const engines::ExecutionContext& context) {
  NumberSink sink;
  auto summary = co_await backend.run(text, sink, context);
  if (!summary) co_return summary.error();
  co_return sink.result();
}

void CountBeside::start() {
  started_ = true;
  boost::asio::co_spawn(call_.exchange.shard().context().get_executor(), run(),
                        [this](std::exception_ptr error) {
                          if (error) result_.emplace(Error(ErrorCode::internal_error));
                          ended_ = true;
                          if (waiter_) waiter_(0);
                        });
}

base::Task<void> CountBeside::run() {
  auto context = execution_context(call_, operation_, cancellation_);
  context.trace = nullptr;                          // the times are those of the rows
  if (context.sql != nullptr) context.sql = &sql_;  // rows and count would write into one list by turns
  auto counted = co_await count_rows(*operation_.backend->query(), count_, context);
  result_.emplace(std::move(counted));
}

base::Task<contract::Result<std::int64_t>> CountBeside::wait() {
  if (!started_) {
    started_ = true;
    co_await run();
  } else if (!ended_) {
    const auto resumed = co_await base::suspend<int>(
        [this](base::Completion<int> completion) { waiter_ = std::move(completion); });
    static_cast<void>(resumed);
  }
  for (auto& text : sql_) operation_.sql.push_back(std::move(text));
  if (!*result_) co_return with_deadline(call_, operation_, result_->error());
  co_return **result_;
}

}  // namespace athena::api
