#include "services/control/key_loader.h"

#include <charconv>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/iso_time.h"
#include "services/control/change.h"
#include "services/control/enforcement.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

/// Rows of one read: what is in memory beside the table.
constexpr std::int64_t kRowsAtOnce = 5000;

constexpr std::string_view kColumns =
    "id, api_keys_id, public_id, key_salt, key_hash, client_name, is_active, expires_at, archived_at";

StoreResult<base::Sha256> digest_of(std::string_view hex) {
  base::Sha256 digest{};
  const bool fits = hex.size() == 2 * digest.size();
  for (std::size_t i = 0; fits && i < digest.size(); ++i) {
    const auto* begin = hex.data() + 2 * i;
    const auto read = std::from_chars(begin, begin + 2, digest[i], 16);
    if (read.ec != std::errc() || read.ptr != begin + 2)
      return StoreError{StoreError::Kind::failed, "api_keys.key_hash is no SHA-256 in hex", {}};
  }
  if (!fits) return StoreError{StoreError::Kind::failed, "api_keys.key_hash is no SHA-256 in hex", {}};
  return digest;
}

StoreResult<auth::KeyRecord> record_of(const Row& row) {
  auth::KeyRecord record;
  record.row_id = as_integer(row[0]);
  record.id = as_text(row[1]);
  record.public_id = as_text(row[2]);
  record.salt = as_text(row[3]);
  auto hash = digest_of(as_text(row[4]));
  if (!hash) return hash.error();
  record.hash = *hash;
  record.client_name = text_or_empty(row[5]);
  record.is_active = as_bool(row[6]);
  if (!is_null(row[7])) {
    record.expires_at_ms = base::parse_iso_time(as_text(row[7]));
    // A time that nobody can read must not make a key last for ever.
    if (!record.expires_at_ms) record.is_active = false;
  }
  return record;
}

using RightNames = std::unordered_map<std::int64_t, std::string>;

StoreResult<RightNames> right_names(Session& session) {
  auto rows = session.execute("SELECT id, name FROM api_key_rights");
  if (!rows) return rows.error();
  RightNames names;
  for (const auto& row : rows->rows) names[as_integer(row[0])] = as_text(row[1]);
  return names;
}

/// Gives the records, which are in the order of their row ids, their rights.
StoreResult<void> add_rights(Session& session, std::vector<auth::KeyRecord>& records,
                             const RightNames& names) {
  if (records.empty()) return {};
  auto rows = session.execute(
      "SELECT api_key_id, right_id FROM api_key_right_grants WHERE api_key_id >= $1 AND api_key_id <= $2 "
      "ORDER BY api_key_id",
      {records.front().row_id, records.back().row_id});
  if (!rows) return rows.error();
  auto record = records.begin();
  for (const auto& row : rows->rows) {
    const auto key = as_integer(row[0]);
    while (record != records.end() && record->row_id < key) ++record;
    if (record == records.end()) break;
    const auto name = names.find(as_integer(row[1]));
    if (record->row_id == key && name != names.end()) record->rights.push_back(name->second);
  }
  return {};
}

StoreResult<auth::KeyTable> load_all(Session& session, const RightNames& names) {
  auth::KeyTableBuilder builder;
  std::int64_t after = 0;
  for (;;) {
    auto rows =
        session.execute("SELECT " + std::string(kColumns) +
                            " FROM api_keys WHERE archived_at IS NULL AND id > $1 ORDER BY id LIMIT " +
                            std::to_string(kRowsAtOnce),
                        {after});
    if (!rows) return rows.error();
    if (rows->rows.empty()) return builder.finish();
    std::vector<auth::KeyRecord> records;
    records.reserve(rows->rows.size());
    for (const auto& row : rows->rows) {
      auto record = record_of(row);
      if (!record) return record.error();
      records.push_back(std::move(*record));
    }
    after = records.back().row_id;
    if (auto added = add_rights(session, records, names); !added) return added.error();
    for (const auto& record : records) builder.add(record);
  }
}

/// The table with what changed after `version`; nothing when that is so much that reading all is better.
StoreResult<std::optional<auth::KeyTable>> load_changes(Session& session, const auth::KeyTable& table,
                                                        std::int64_t version, const RightNames& names) {
  auto rows = session.execute("SELECT " + std::string(kColumns) +
                                  " FROM api_keys WHERE change_version > $1 ORDER BY id LIMIT " +
                                  std::to_string(kRowsAtOnce),
                              {version});
  if (!rows) return rows.error();
  if (rows->rows.size() >= static_cast<std::size_t>(kRowsAtOnce)) return std::optional<auth::KeyTable>();
  std::vector<auth::KeyRecord> changed;
  std::vector<std::string> removed;
  for (const auto& row : rows->rows) {
    if (!is_null(row[8])) {
      removed.push_back(as_text(row[2]));
      continue;
    }
    auto record = record_of(row);
    if (!record) return record.error();
    changed.push_back(std::move(*record));
  }
  // The range of row ids may be wide, so each key's rights are read by themselves when they are few.
  constexpr std::size_t kFew = 64;
  if (changed.size() <= kFew) {
    for (auto& record : changed) {
      std::vector<auth::KeyRecord> one{std::move(record)};
      if (auto added = add_rights(session, one, names); !added) return added.error();
      record = std::move(one[0]);
    }
  } else if (auto added = add_rights(session, changed, names); !added) {
    return added.error();
  }
  return std::optional<auth::KeyTable>(table.with(changed, removed));
}

StoreResult<std::int64_t> read_version(Session& session) {
  auto rows = session.execute("SELECT version FROM athena_control_version WHERE scope = $1",
                              {std::string(name(Scope::keys))});
  if (!rows) return rows.error();
  if (rows->rows.empty())
    return StoreError{StoreError::Kind::failed, "athena_control_version has no row for keys", {}};
  return as_integer(rows->rows[0][0]);
}

}  // namespace

void KeyLoader::set_fingerprint_secret(std::string secret) {
  const std::lock_guard lock(mutex_);
  if (secret == fingerprint_secret_) return;
  fingerprint_secret_ = std::move(secret);
  if (!state_) return;
  auto state = std::make_shared<auth::KeyState>(*state_);
  state->fingerprint_secret = fingerprint_secret_;
  state_ = std::move(state);
  publish_(state_);
}

std::int64_t KeyLoader::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

StoreResult<void> KeyLoader::refresh(Session& session) {
  const std::lock_guard lock(mutex_);
  auto now = read_version(session);
  if (!now) return now.error();
  if (state_ && *now == version_) return {};
  // One state of the database for all that is read.
  Transaction transaction(session);
  if (auto begun = transaction.begin(); !begun) return begun.error();
  if (session.home() == Home::postgres) {
    auto set = session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    if (!set) return set.error();
  }
  now = read_version(session);
  if (!now) return now.error();
  auto state = load(session, *now);
  if (!state) return state.error();
  session.rollback();
  state_ = std::move(*state);
  version_ = *now;
  publish_(state_);
  return {};
}

StoreResult<std::shared_ptr<auth::KeyState>> KeyLoader::load(Session& session, std::int64_t version) {
  auto names = right_names(session);
  if (!names) return names.error();
  auto state = std::make_shared<auth::KeyState>();
  state->version = static_cast<std::uint64_t>(version);
  state->fingerprint_secret = fingerprint_secret_;
  // A version that went back is another store's: nothing of ours holds.
  bool complete = false;
  if (state_ && version > version_) {
    auto changed = load_changes(session, state_->keys, version_, *names);
    if (!changed) return changed.error();
    complete = changed->has_value();
    if (complete) state->keys = std::move(**changed);
  }
  if (!complete) {
    auto all = load_all(session, *names);
    if (!all) return all.error();
    state->keys = std::move(*all);
  }
  auto global = load_global_enforcement(session);
  if (!global) return global.error();
  state->enforcement = auth::Enforcement(
      global->decided ? std::optional<bool>(global->enforce) : std::nullopt, listeners_default_);
  auto clients = list_client_enforcement(session);
  if (!clients) return clients.error();
  for (const auto& client : *clients) state->enforcement.set_client(client.client_name, client.enforce);
  return state;
}

}  // namespace athena::control
