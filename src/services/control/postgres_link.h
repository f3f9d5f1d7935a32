#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "services/control/session.h"

struct pg_conn;
struct pg_result;

namespace athena::control {

/// A connection of libpq whose calls block their caller until the deadline and no longer. After an error with
/// lost() nothing can be done with it. One thread at a time.
class PostgresLink {
 public:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  using Result = std::unique_ptr<pg_result, Clear>;

  /// Tries the hosts in order, and the addresses of each. Nothing comes from the environment or from files
  /// that the connection does not name. Sessions speak UTC, ISO dates and UTF-8.
  static StoreResult<std::unique_ptr<PostgresLink>> connect(const contract::PostgresConnection& connection,
                                                            base::Deadline deadline);
  explicit PostgresLink(pg_conn* connection);  ///< ready; taken over
  ~PostgresLink();
  PostgresLink(const PostgresLink&) = delete;
  PostgresLink& operator=(const PostgresLink&) = delete;

  /// One statement. At the deadline it is cancelled and the link lost.
  StoreResult<Result> run(std::string_view sql, const Values& parameters, base::Deadline deadline);
  /// COPY … FROM STDIN with rows of its text format.
  StoreResult<void> copy_in(std::string_view sql, const std::vector<Row>& rows, base::Deadline deadline);
  /// Payloads that have come; waits until there is one or the time is over.
  StoreResult<std::vector<std::string>> notifications(base::Deadline until);

  [[nodiscard]] bool lost() const { return lost_; }
  /// Whether the server has closed the connection while it was idle.
  [[nodiscard]] bool closed_by_server();

 private:
  /// False at the deadline.
  bool wait(short events, base::Deadline deadline);
  /// Sends what libpq has buffered.
  StoreResult<void> flush(base::Deadline deadline);
  /// The next result, null after the last.
  StoreResult<Result> next(base::Deadline deadline);
  /// All results of what was sent: the last one, or the first error.
  StoreResult<Result> finish(base::Deadline deadline);
  StoreError connection_lost();
  StoreError out_of_time();

  pg_conn* connection_;
  bool lost_ = false;
};

}  // namespace athena::control
