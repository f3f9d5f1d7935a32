#include <libpq-fe.h>

#include <charconv>
#include <optional>
#include <thread>

#include "services/control/postgres_link.h"
#include "services/control/postgres_values.h"
#include "services/control/session_homes.h"

namespace athena::control {
namespace {

using base::Clock;
using base::Deadline;
using Kind = StoreError::Kind;

Rows rows_of(const pg_result* result) {
  Rows rows;
  const int columns = PQnfields(result);
  const int count = PQntuples(result);
  rows.rows.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    Row row;
    row.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(result, i, column) == 1) {
        row.push_back(null());
        continue;
      }
      const auto size = static_cast<std::size_t>(PQgetlength(result, i, column));
      row.push_back(value_of_text(PQftype(result, column), {PQgetvalue(result, i, column), size}));
    }
    rows.rows.push_back(std::move(row));
  }
  // `SELECT 5` counts rows too, but changes none.
  const std::string_view tag = PQcmdStatus(const_cast<pg_result*>(result));
  const std::string_view changed = PQcmdTuples(const_cast<pg_result*>(result));
  if (!tag.starts_with("SELECT"))
    std::from_chars(changed.data(), changed.data() + changed.size(), rows.affected);
  return rows;
}

class PostgresSession final : public Session {
 public:
  explicit PostgresSession(StoreLocation location) : location_(std::move(location)) {}

  using Session::execute;
  [[nodiscard]] Home home() const override { return Home::postgres; }
  StoreResult<Rows> execute(std::string_view sql, const Values& parameters) override;
  StoreResult<void> begin() override;
  StoreResult<void> commit() override;
  void rollback() override;
  [[nodiscard]] bool in_transaction() const override { return in_transaction_; }
  StoreResult<void> insert_many(std::string_view table, const std::vector<std::string_view>& columns,
                                const std::vector<Row>& rows) override;
  void set_deadline(Deadline deadline) override { deadline_ = deadline; }
  StoreResult<std::vector<std::string>> wait_for_notifications(Deadline until) override;

 private:
  /// A connection that can be used now.
  StoreResult<void> ready();
  StoreError fail(StoreError error) {
    if (in_transaction_ && !lost_) lost_ = error;
    return error;
  }

  const StoreLocation location_;
  std::unique_ptr<PostgresLink> link_;
  Deadline deadline_{Clock::time_point::max()};
  bool in_transaction_ = false;
  bool listening_ = false;
  std::optional<StoreError> lost_;  ///< why the transaction can't go on
};

StoreResult<void> PostgresSession::ready() {
  if (lost_) return *lost_;
  if (deadline_.expired()) return StoreError{Kind::unreachable, "the deadline has passed", "57014"};
  if (in_transaction_) return {};
  if (link_ != nullptr && !link_->closed_by_server()) return {};
  link_.reset();
  listening_ = false;
  auto link = PostgresLink::connect(location_.postgres, deadline_);
  if (!link) return link.error();
  link_ = std::move(*link);
  return {};
}

StoreResult<Rows> PostgresSession::execute(std::string_view sql, const Values& parameters) {
  if (auto able = ready(); !able) return fail(able.error());
  auto result = link_->run(sql, parameters, deadline_);
  if (!result) return fail(result.error());
  return rows_of(result->get());
}

StoreResult<void> PostgresSession::begin() {
  if (in_transaction_) return StoreError{Kind::failed, "a transaction inside a transaction", "25001"};
  auto begun = execute("BEGIN");
  if (!begun) return begun.error();
  in_transaction_ = true;
  return {};
}

StoreResult<void> PostgresSession::commit() {
  if (!in_transaction_) return StoreError{Kind::failed, "no transaction", "25P01"};
  auto able = ready();
  if (!able) {
    rollback();
    return able;
  }
  auto result = link_->run("COMMIT", {}, deadline_);
  if (!result) {
    rollback();
    return result.error();
  }
  in_transaction_ = false;
  if (std::string_view(PQcmdStatus(result->get())) != "COMMIT")
    return StoreError{Kind::failed, "the transaction was rolled back", "25P02"};
  return {};
}

void PostgresSession::rollback() {
  if (!in_transaction_) return;
  in_transaction_ = false;
  lost_.reset();
  if (link_ == nullptr || link_->lost()) {
    link_.reset();
    return;
  }
  // The deadline that ended the transaction must not end its rollback.
  constexpr std::chrono::milliseconds kRollback(1000);
  if (!link_->run("ROLLBACK", {}, Deadline::in(kRollback))) link_.reset();
}

StoreResult<void> PostgresSession::insert_many(std::string_view table,
                                               const std::vector<std::string_view>& columns,
                                               const std::vector<Row>& rows) {
  if (rows.empty()) return {};
  if (auto able = ready(); !able) return fail(able.error());
  std::string sql = "COPY " + quote_name(table) + " (";
  for (std::size_t i = 0; i < columns.size(); ++i) sql += (i == 0 ? "" : ", ") + quote_name(columns[i]);
  sql += ") FROM STDIN";
  auto done = link_->copy_in(sql, rows, deadline_);
  if (!done) return fail(done.error());
  return done;
}

StoreResult<std::vector<std::string>> PostgresSession::wait_for_notifications(Deadline until) {
  if (in_transaction_) return StoreError{Kind::failed, "waiting inside a transaction", "25001"};
  if (auto able = ready(); !able) return able.error();
  if (!listening_) {
    auto listens = link_->run("LISTEN athena_control", {}, deadline_);
    if (!listens) return listens.error();
    listening_ = true;
  }
  return link_->notifications(Deadline(std::min(until.at(), deadline_.at())));
}

}  // namespace

std::unique_ptr<Session> make_postgres_session(const StoreLocation& location) {
  return std::make_unique<PostgresSession>(location);
}

}  // namespace athena::control
