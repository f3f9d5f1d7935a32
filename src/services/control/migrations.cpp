#include "services/control/migrations.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/iso_time.h"
#include "base/unix_time.h"
#include "services/control/schema_state.h"

namespace athena::control {
namespace {

using Kind = MigrationError::Kind;

constexpr std::int64_t kLock = 0x4154484e;  // "ATHN"

std::string checksum_of(const Migration& step) {
  return base::to_hex(base::sha256(step.text));
}

MigrationError store_error(StoreError cause, int migration) {
  std::string message = migration == 0 ? std::string("the store's schema could not be read: ")
                                       : "migration " + std::to_string(migration) + " failed: ";
  message += cause.message;
  return {Kind::store, std::move(message), migration, std::move(cause)};
}

/// An error when this program must not work with the store.
base::Result<void, MigrationError> check_applied(const SchemaState& state,
                                                 const std::vector<Migration>& steps) {
  const int newest = steps.back().version;
  for (const auto& applied : state.applied) {
    if (applied.min_version > newest) {
      return MigrationError{Kind::too_new,
                            "the store needs an Athena that knows schema version " +
                                std::to_string(applied.min_version) + ", this one knows up to " +
                                std::to_string(newest),
                            applied.version,
                            {}};
    }
  }
  for (const auto& step : steps) {
    const auto* applied = state.find(step.version);
    if (applied != nullptr && applied->checksum != checksum_of(step)) {
      return MigrationError{Kind::changed,
                            "migration " + std::to_string(step.version) +
                                " of the store is not the one this program has (checksum " +
                                applied->checksum.substr(0, 12) + "…, here " +
                                checksum_of(step).substr(0, 12) + "…)",
                            step.version,
                            {}};
    }
  }
  return {};
}

bool is_pending(const SchemaState& state, const Migration& step, const Groups& groups) {
  return state.find(step.version) == nullptr || !state.missing(groups).empty();
}

/// The step in a transaction of its own; the number of statements.
StoreResult<int> run_step(Session& session, const Migration& step, const MigrationOptions& options) {
  Transaction transaction(session);
  if (auto begun = transaction.begin(); !begun) return begun.error();
  if (session.home() == Home::postgres) {
    const auto locked = session.execute("SELECT pg_advisory_xact_lock($1)", {kLock});
    if (!locked) return locked.error();
  }
  const auto state = read_schema_state(session);  // another instance may have been first
  if (!state) return state.error();
  if (!is_pending(*state, step, options.groups)) return 0;
  const bool recorded = state->find(step.version) != nullptr;
  auto applied = step.apply(session, options.groups, !recorded);
  if (!applied) return applied;
  int statements = *applied;
  if (!recorded) {
    const auto written = session.execute(
        "INSERT INTO athena_schema_migrations(version, name, checksum, min_version, applied_at, "
        "athena_version) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        {std::int64_t{step.version}, step.name, checksum_of(step), std::int64_t{step.min_version},
         base::iso_time(base::unix_ms()), options.athena_version});
    if (!written) return written.error();
    ++statements;
  }
  if (auto committed = transaction.commit(); !committed) return committed.error();
  return statements;
}

}  // namespace

MigrationResult migrate(Session& session, const MigrationOptions& options,
                        const std::vector<Migration>& steps) {
  const auto state = read_schema_state(session);
  if (!state) return store_error(state.error(), 0);
  if (auto good = check_applied(*state, steps); !good) return good.error();
  MigrationReport report;
  for (const auto& step : steps) {
    if (!is_pending(*state, step, options.groups)) continue;
    if (!options.apply) {
      return MigrationError{Kind::pending,
                            "the store's schema is not complete (migration " + std::to_string(step.version) +
                                ") and control.auto_migrate is off; run: athena provision --control",
                            step.version,
                            {}};
    }
    auto ran = run_step(session, step, options);
    if (!ran) return store_error(ran.error(), step.version);
    report.statements += *ran;
  }
  // A newer release may have gone further.
  report.schema_version = steps.back().version;
  if (!state->applied.empty())
    report.schema_version = std::max(report.schema_version, state->applied.back().version);
  for (const auto& table : schema()) {
    if (options.groups.hold(table.group)) report.tables.push_back(table.name);
  }
  std::sort(report.tables.begin(), report.tables.end());
  return report;
}

StoreResult<SchemaStatus> schema_status(Session& session, const Groups& groups) {
  const auto state = read_schema_state(session);
  if (!state) return state.error();
  SchemaStatus status;
  status.missing = state->missing(groups);
  for (const auto& table : schema()) {
    if (groups.hold(table.group) && state->tables.contains(table.name)) status.present.push_back(table.name);
  }
  std::sort(status.present.begin(), status.present.end());
  std::sort(status.missing.begin(), status.missing.end());
  if (!state->applied.empty()) status.schema_version = state->applied.back().version;
  return status;
}

}  // namespace athena::control
