#include "services/control/control_plane.h"

#include <unistd.h>

#include "base/iso_time.h"
#include "base/unix_time.h"
#include "engines/control_databases.h"
#include "engines/postgres/control_database.h"
#include "services/control/migrations.h"

namespace athena::control {
namespace {

constexpr std::chrono::seconds kBetweenBeats(5);
constexpr std::chrono::hours kForgottenAfter(24);
/// The start waits so long for a store that is slow; what is away longer is waited for in the background.
constexpr std::chrono::milliseconds kStartPatience(3000);
// What start() must not get over. No StoreError of a session has this state.
constexpr std::string_view kUnfit = "unfit";

StoreResult<void> open_home(Session& session, const ControlSettings& settings, const Groups& groups) {
  const auto migrated = migrate(session, {groups, settings.auto_migrate, settings.version});
  if (migrated) return {};
  const auto& error = migrated.error();
  if (error.kind == MigrationError::Kind::store) return error.cause;
  return StoreError{StoreError::Kind::failed, error.message, std::string(kUnfit)};
}

/// So that the home is recognised also where a client calls its server by another name.
StoreResult<void> identify(Session& session, const StoreLocation& location) {
  if (location.home != Home::postgres) return {};
  auto rows = session.execute(postgres::kIdentitySql, {});
  if (!rows) {
    // A role that may not ask is recognised by the names alone.
    if (rows.error().kind == StoreError::Kind::unreachable) return rows.error();
    return {};
  }
  for (const auto& row : rows->rows) {
    engines::ControlDatabases::process().add_identity(
        engines::database_identity(as_text(row[0]), as_text(row[1])));
  }
  return {};
}

}  // namespace

ControlPlane::ControlPlane(ControlSettings settings, ControlEvents events)
    : settings_(std::move(settings)),
      events_(std::move(events)),
      keys_(settings_.listeners_default, events_.keys),
      clients_(events_.clients),
      main_(std::make_unique<Store>(settings_.main, settings_.sessions)) {
  if (!settings_.auth_is_main) auth_ = std::make_unique<Store>(settings_.auth, settings_.sessions);
}

ControlPlane::~ControlPlane() {
  stop();
}

std::unique_ptr<Watcher> ControlPlane::make_watcher(bool main_home, bool auth_home) {
  Watcher::Settings watched;
  watched.location = main_home ? settings_.main : settings_.auth;
  watched.name = main_home && auth_home ? "the store" : main_home ? "the main store" : "the store of keys";
  watched.poll_interval = settings_.poll_interval;
  const Groups groups{auth_home, main_home};
  Watcher::Work work;
  work.open = [this, groups, main_home](Session& session) -> StoreResult<void> {
    if (auto opened = open_home(session, settings_, groups); !opened) return opened;
    if (auto known = identify(session, main_home ? settings_.main : settings_.auth); !known) return known;
    return main_home ? read_settings(session) : StoreResult<void>();
  };
  if (auth_home) work.look.emplace_back([this](Session& session) { return keys_.refresh(session); });
  if (main_home) {
    work.look.emplace_back([this](Session& session) { return look_at_clients(session); });
    work.look.emplace_back([this](Session& session) { return beat(session); });
  }
  work.confirmed = [this, auth_home] {
    if (auth_home) events_.confirmed();
  };
  work.info = events_.info;
  work.warn = events_.warn;
  return std::make_unique<Watcher>(std::move(watched), std::move(work));
}

base::Result<void, std::string> ControlPlane::start() {
  main_watcher_ = make_watcher(true, settings_.auth_is_main);
  if (!settings_.auth_is_main) auth_watcher_ = make_watcher(false, true);
  for (auto* watcher : {main_watcher_.get(), auth_watcher_.get()}) {
    if (watcher != nullptr) watcher->start();
  }
  for (auto* watcher : {main_watcher_.get(), auth_watcher_.get()}) {
    if (watcher == nullptr || watcher->wait_for_first(kStartPatience)) continue;
    const auto error = watcher->first_error();
    if (error.sql_state == kUnfit) return error.message;
  }
  return {};
}

void ControlPlane::stop() {
  main_watcher_.reset();
  auth_watcher_.reset();
  auth_.reset();
  main_.reset();
}

StoreResult<void> ControlPlane::read_settings(Session& session) {
  auto rows = session.execute("SELECT name, value FROM athena_settings WHERE name IN ($1, $2)",
                              {std::string("cursor_key"), std::string("fingerprint_key")});
  if (!rows) return rows.error();
  for (const auto& row : rows->rows) {
    if (as_text(row[0]) == "fingerprint_key") {
      keys_.set_fingerprint_secret(as_text(row[1]));
    } else {
      const std::lock_guard lock(mutex_);
      cursors_ = Cursors(as_text(row[1]));
    }
  }
  return {};
}

StoreResult<void> ControlPlane::beat(Session& session) {
  const auto now = base::Clock::now();
  if (last_beat_ != base::Clock::time_point{} && now - last_beat_ < kBetweenBeats) return {};
  const auto time = base::unix_ms();
  auto beaten = session.execute(
      "INSERT INTO athena_instances (instance_id, hostname, pid, version, started_at, last_seen_at) "
      "VALUES ($1, $2, $3, $4, $5, $5) "
      "ON CONFLICT (instance_id) DO UPDATE SET hostname = excluded.hostname, pid = excluded.pid, "
      "version = excluded.version, last_seen_at = excluded.last_seen_at",
      {settings_.instance_id, settings_.hostname, std::int64_t{getpid()}, settings_.version,
       base::iso_time(time)});
  if (!beaten) return beaten.error();
  if (last_beat_ == base::Clock::time_point{}) {
    const auto forgotten = std::chrono::milliseconds(kForgottenAfter).count();
    auto removed = session.execute("DELETE FROM athena_instances WHERE last_seen_at < $1",
                                   {base::iso_time(time - forgotten)});
    if (!removed) return removed.error();
  }
  last_beat_ = now;
  return {};
}

StoreResult<void> ControlPlane::look_at_clients(Session& session) {
  if (!events_.clients) return {};
  if (sync_wanted_.exchange(false)) {
    Actor actor;
    actor.kind = Actor::Kind::bootstrap;
    actor.instance_id = settings_.instance_id;
    auto synced = sync_config(session, events_.configured(), actor);
    if (!synced) {
      sync_wanted_ = true;
      return synced.error();
    }
    for (const auto& client : synced->deleted)
      events_.info(
          "client '" + client +
          "' is named in the configuration but was deleted; create it again with POST /admin/clients");
  }
  return clients_.refresh(session);
}

void ControlPlane::sync_clients() {
  constexpr std::chrono::seconds kPatience(5);
  sync_wanted_ = true;
  // A failure leaves the wish, and the watcher tells of stores that are away.
  static_cast<void>(main_->run_here(base::Deadline::in(kPatience),
                                    [this](Session& session) { return look_at_clients(session); }));
}

Cursors ControlPlane::cursors() const {
  const std::lock_guard lock(mutex_);
  return cursors_;
}

bool ControlPlane::main_up() const {
  return main_watcher_ && main_watcher_->up();
}

bool ControlPlane::auth_up() const {
  return settings_.auth_is_main ? main_up() : auth_watcher_ && auth_watcher_->up();
}

}  // namespace athena::control
