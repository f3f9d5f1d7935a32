#include "engines/control_databases.h"

#include <sys/stat.h>

#include <algorithm>
#include <functional>

namespace athena::engines {

ControlDatabases& ControlDatabases::process() {
  static ControlDatabases databases;
  return databases;
}

void ControlDatabases::add_file(std::string path) {
  const std::lock_guard lock(mutex_);
  files_.push_back(std::move(path));
}

bool ControlDatabases::is_file(const std::string& path) const {
  struct stat asked{};
  const std::lock_guard lock(mutex_);
  if (files_.empty()) return false;
  const bool there = ::stat(path.c_str(), &asked) == 0;
  return std::ranges::any_of(files_, [&](const std::string& file) {
    if (file == path) return true;
    struct stat own{};
    return there && ::stat(file.c_str(), &own) == 0 && own.st_dev == asked.st_dev &&
           own.st_ino == asked.st_ino;
  });
}

void ControlDatabases::add_server(std::string place) {
  const std::lock_guard lock(mutex_);
  servers_.insert(std::move(place));
  asks_servers_ = true;
}

bool ControlDatabases::is_server(const std::string& place) const {
  const std::lock_guard lock(mutex_);
  return servers_.contains(place);
}

void ControlDatabases::add_identity(std::uint64_t identity) {
  if (is_identity(identity)) return;
  const std::lock_guard lock(mutex_);
  for (auto& place : identities_) {
    if (place.load(std::memory_order_relaxed) != 0) continue;
    place.store(identity, std::memory_order_release);
    return;
  }
  // More homes than a process can have: one that moved many times. The latest one counts.
  identities_.back().store(identity, std::memory_order_release);
}

bool ControlDatabases::is_identity(std::uint64_t identity) const {
  return identity != 0 && std::ranges::any_of(identities_, [identity](const auto& place) {
           return place.load(std::memory_order_acquire) == identity;
         });
}

std::uint64_t database_identity(const std::string& system_identifier, const std::string& database_oid) {
  const auto identity =
      static_cast<std::uint64_t>(std::hash<std::string>{}(system_identifier + ':' + database_oid));
  return identity == 0 ? 1 : identity;
}

}  // namespace athena::engines
