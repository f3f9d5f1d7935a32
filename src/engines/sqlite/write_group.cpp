#include "engines/sqlite/write_group.h"

#include <sqlite3.h>

#include <algorithm>

namespace athena::sqlite {
namespace {

using contract::Error;
using contract::ErrorCode;
using contract::Result;

// The first job of a group waits for its last: this bounds what a slow neighbour costs it.
constexpr std::chrono::milliseconds kGroupTime{20};

class Group {
 public:
  explicit Group(Connection& connection) : connection_(connection) {}

  GroupCounts run(std::deque<WriteJobPtr> jobs) {
    int broken = 0;
    while (!jobs.empty()) {
      if (broken >= 2) {
        run_alone(jobs, jobs.size());
        continue;
      }
      const Attempt attempt = try_together(jobs, jobs.size());
      switch (attempt.end) {
        case Attempt::End::committed:
          tell(jobs, attempt.count);
          break;
        case Attempt::End::not_begun:
          refuse(jobs, *attempt.error);
          break;
        case Attempt::End::broken:
          tell_one(*jobs[attempt.count]);
          jobs.erase(jobs.begin() + static_cast<std::deque<WriteJobPtr>::difference_type>(attempt.count));
          ++broken;
          break;
        case Attempt::End::commit_failed:
          if (attempt.count == 1) {
            jobs.front()->outcome = *attempt.error;
            tell(jobs, 1);
          } else {
            run_alone(jobs, attempt.count);
          }
          break;
      }
    }
    return counts_;
  }

 private:
  struct Attempt {
    enum class End : std::uint8_t { committed, not_begun, broken, commit_failed };
    End end;
    std::size_t count = 0;  // how many took part; broken: which one did it
    std::optional<Error> error;
  };

  void run_alone(std::deque<WriteJobPtr>& jobs, std::size_t count) {
    for (; count > 0 && !jobs.empty(); --count) {
      const Attempt attempt = try_together(jobs, 1);
      if (attempt.end == Attempt::End::not_begun) return refuse(jobs, *attempt.error);
      if (attempt.end == Attempt::End::commit_failed) jobs.front()->outcome = *attempt.error;
      tell(jobs, 1);
    }
  }

  /// One transaction with the first `count` jobs, or as many of them as fit into its time.
  Attempt try_together(std::deque<WriteJobPtr>& jobs, std::size_t count) {
    const auto began = base::Clock::now();
    if (!connection_.autocommit()) connection_.run("ROLLBACK");
    for (std::size_t i = 0; i < count; ++i) jobs[i]->outcome.reset();
    if (auto failure = begin(jobs)) return {Attempt::End::not_begun, 0, std::move(failure)};
    auto version = connection_.schema_version();
    if (!version) {
      connection_.run("ROLLBACK");
      return {Attempt::End::not_begun, 0, version.error()};
    }
    std::size_t done = 0;
    while (done < count) {
      WriteJob& job = *jobs[done];
      if (run_job(job, *version, count > 1)) return {Attempt::End::broken, done, std::nullopt};
      ++done;
      if (base::Clock::now() - began > kGroupTime) break;
    }
    const int code = connection_.run("COMMIT");
    if (code == SQLITE_OK) {
      ++counts_.groups;
      counts_.sizes.observe(static_cast<double>(done));
      connection_.committed();
      return {Attempt::End::committed, done, std::nullopt};
    }
    Error failure = connection_.error(code);
    if (!connection_.autocommit()) connection_.run("ROLLBACK");
    return {Attempt::End::commit_failed, done, std::move(failure)};
  }

  /// Takes the write lock. While another process holds it, jobs whose time has come are told so and leave.
  std::optional<Error> begin(std::deque<WriteJobPtr>& jobs) {
    const auto earliest = std::min_element(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) {
      return a->deadline.at() < b->deadline.at();
    });
    const Connection::Guard guard(connection_, (*earliest)->deadline);
    const int code = connection_.run("BEGIN IMMEDIATE");
    if (code == SQLITE_OK) return std::nullopt;
    return connection_.error(code);
  }

  /// True when the job has ended the transaction of all; its outcome says why.
  bool run_job(WriteJob& job, std::int64_t version, bool with_savepoint) {
    if (job.deadline.expired()) {
      job.outcome = deadline_error();
      return false;
    }
    if (!job.started && !job.channel->start()) {
      job.outcome = deadline_error();
      return false;
    }
    job.started = true;
    if (job.schema_version != version) {
      Outcome changed;
      changed.schema_changed = true;
      job.outcome = std::move(changed);
      return false;
    }
    if (with_savepoint) connection_.run("SAVEPOINT job");
    job.outcome = run_statements(job);
    if (connection_.autocommit()) {
      // Nothing that succeeds ends the transaction, so there is an error; without one the job must not pass
      // for stored.
      if (job.outcome->has_value())
        job.outcome = Error(ErrorCode::database_error, "The statement ended its transaction.");
      return true;
    }
    if (!with_savepoint) {
      if (job.outcome->has_error()) connection_.run("ROLLBACK");
      return job.outcome->has_error();
    }
    if (job.outcome->has_error()) connection_.run("ROLLBACK TO job");
    connection_.run("RELEASE job");
    return false;
  }

  Result<Outcome> run_statements(WriteJob& job) {
    const Connection::Guard guard(connection_, job.deadline);
    Outcome outcome;
    RowBatch rows(job.statements.front().forms.size());
    std::vector<std::uint32_t> order;
    std::int64_t returned = 0;
    for (const auto& statement : job.statements) {
      auto prepared = connection_.prepare(statement.text);
      if (!prepared) return prepared.error();
      sqlite3_stmt* handle = (*prepared)->statement;
      const StatementUse use(handle);
      auto bound = bind_values(connection_, handle, statement);
      if (!bound) return bound.error();
      int code = SQLITE_ROW;
      for (std::size_t row = 0; (code = sqlite3_step(handle)) == SQLITE_ROW; ++row) {
        ++returned;
        if (!job.reorder && returned > job.max_rows) continue;
        rows.append(handle, statement.forms, connection_.utf8());
        if (job.reorder)
          order.push_back(row < statement.input_rows.size() ? statement.input_rows[row] : UINT32_MAX);
        if (static_cast<std::int64_t>(rows.bytes()) > job.max_bytes) return too_large(job);
      }
      if (code != SQLITE_DONE) return connection_.error(code);
      if (sqlite3_stmt_readonly(handle) == 0)
        outcome.rows_affected += sqlite3_changes64(connection_.handle());
    }
    if (job.reorder) rows.sort_by(order);
    rows.keep(static_cast<std::size_t>(job.max_rows));
    outcome.truncated = returned > job.max_rows;
    if (rows.rows() > 0) outcome.rows.push_back(std::move(rows));
    return outcome;
  }

  static Error too_large(const WriteJob& job) {
    return Error(ErrorCode::limit_too_large,
                 "The returned rows are larger than the gateway keeps; nothing was written.")
        .with("limit", std::string_view("gateway.max_buffered_bytes"))
        .with("max", job.max_bytes)
        .hint("Ask for fewer columns, or write fewer rows at once.");
  }

  void tell(std::deque<WriteJobPtr>& jobs, std::size_t count) {
    for (; count > 0; --count) {
      tell_one(*jobs.front());
      jobs.pop_front();
    }
  }

  void tell_one(WriteJob& job) {
    ++counts_.jobs;
    job.channel->finish(std::move(*job.outcome));
  }

  /// The transaction did not begin. After a wait for the lock only those whose deadline has come are told,
  /// the others try on (each until its own deadline, and all together for as long as the busy timeout goes
  /// on).
  void refuse(std::deque<WriteJobPtr>& jobs, const Error& failure) {
    const bool by_deadline = failure.code() == ErrorCode::deadline_exceeded;
    for (auto job = jobs.begin(); job != jobs.end();) {
      if (by_deadline && !(*job)->deadline.expired()) {
        ++job;
        continue;
      }
      (*job)->outcome = failure;
      tell_one(**job);
      job = jobs.erase(job);
    }
  }

  Connection& connection_;
  GroupCounts counts_;
};

}  // namespace

GroupCounts run_write_group(Connection& connection, std::deque<WriteJobPtr> jobs) {
  return Group(connection).run(std::move(jobs));
}

}  // namespace athena::sqlite
