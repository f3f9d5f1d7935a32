#include "services/control/client_loader.h"

#include <algorithm>

#include "services/control/change.h"

namespace athena::control {
namespace {

/// Rows of one read.
constexpr std::int64_t kRowsAtOnce = 2000;

StoreResult<std::int64_t> read_version(Session& session) {
  auto rows = session.execute("SELECT version FROM athena_control_version WHERE scope = $1",
                              {std::string(name(Scope::clients))});
  if (!rows) return rows.error();
  if (rows->rows.empty())
    return StoreError{StoreError::Kind::failed, "athena_control_version has no row for clients", {}};
  return as_integer(rows->rows[0][0]);
}

/// Rows that changed after `version`, deleted ones too; -1 = all that are not deleted.
StoreResult<std::vector<ClientRow>> read_rows(Session& session, std::int64_t version) {
  std::vector<ClientRow> clients;
  std::int64_t after = 0;
  for (;;) {
    Values parameters{after};
    std::string condition = "deleted_at IS NULL";
    if (version >= 0) {
      condition = "change_version > $2";
      parameters.emplace_back(version);
    }
    auto rows =
        session.execute("SELECT " + std::string(kClientColumns) + " FROM athena_clients WHERE id > $1 AND " +
                            condition + " ORDER BY id LIMIT " + std::to_string(kRowsAtOnce),
                        parameters);
    if (!rows) return rows.error();
    for (const auto& row : rows->rows) clients.push_back(client_of(row));
    if (rows->rows.size() < static_cast<std::size_t>(kRowsAtOnce)) return clients;
    after = clients.back().row_id;
  }
}

}  // namespace

std::int64_t ClientLoader::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

StoreResult<void> ClientLoader::refresh(Session& session) {
  const std::lock_guard lock(mutex_);
  auto now = read_version(session);
  if (!now) return now.error();
  if (*now == version_) return {};
  // One state of the database for all that is read.
  Transaction transaction(session);
  if (auto begun = transaction.begin(); !begun) return begun.error();
  if (session.home() == Home::postgres) {
    auto set = session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    if (!set) return set.error();
  }
  now = read_version(session);
  if (!now) return now.error();
  if (auto loaded = load(session, *now); !loaded) return loaded.error();
  session.rollback();
  auto catalogue = std::make_shared<ClientCatalogue>();
  catalogue->version = version_;
  catalogue->deleted = deleted_names_;
  catalogue->live.reserve(rows_.size());
  for (const auto& [id, row] : rows_) {
    catalogue->deleted.erase(contract::client_key(row.client_name));
    catalogue->live.push_back(row);
  }
  publish_(std::move(catalogue));
  return {};
}

StoreResult<void> ClientLoader::load(Session& session, std::int64_t version) {
  // A version that went back is another store's: nothing of ours holds.
  const bool whole = version_ < 0 || version < version_;
  auto rows = read_rows(session, whole ? -1 : version_);
  if (!rows) return rows.error();
  if (whole) {
    auto deleted = session.execute(
        "SELECT DISTINCT lower(client_name) FROM athena_clients WHERE deleted_at IS NOT NULL");
    if (!deleted) return deleted.error();
    rows_.clear();
    deleted_names_.clear();
    for (const auto& row : deleted->rows) deleted_names_.insert(as_text(row[0]));
  }
  for (auto& row : *rows) {
    if (row.deleted_at) {
      rows_.erase(row.row_id);
      deleted_names_.insert(contract::client_key(row.client_name));
    } else {
      rows_.insert_or_assign(row.row_id, std::move(row));
    }
  }
  version_ = version;
  return {};
}

}  // namespace athena::control
