#include "services/control/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "engines/sqlite/library.h"

namespace athena::control {
namespace {

using Result = base::Result<void, std::string>;

struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
using Database = std::unique_ptr<sqlite3, Close>;

constexpr int kBusyMs = 30'000;

Result failed(std::string text) {
  return {boost::system::in_place_error, std::move(text)};
}
Result failed_call(const std::string& what) {
  return failed(what + ": " + std::strerror(errno));
}

Database open(const std::string& path, int flags, int& code) {
  sqlite3* handle = nullptr;
  code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (handle != nullptr) sqlite3_busy_timeout(handle, kBusyMs);
  return Database(handle);
}

Result copy_pages(const std::string& from, const std::string& to) {
  int code = SQLITE_OK;
  const auto source = open(from, SQLITE_OPEN_READONLY, code);
  if (code != SQLITE_OK) return failed(from + " cannot be read: " + sqlite3_errstr(code));
  const auto target = open(to, SQLITE_OPEN_READWRITE, code);
  if (code != SQLITE_OK) return failed(to + " cannot be written: " + sqlite3_errstr(code));
  auto* const backup = sqlite3_backup_init(target.get(), "main", source.get(), "main");
  if (backup == nullptr) return failed(to + " cannot be written: " + sqlite3_errmsg(target.get()));
  // All pages in one step are one snapshot; writers go on beside it, in the log.
  code = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) return failed("the copy failed: " + std::string(sqlite3_errstr(code)));
  if (finished != SQLITE_OK) return failed("the copy failed: " + std::string(sqlite3_errstr(finished)));
  return {};
}

Result sync(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) return failed_call(path);
  const bool good = ::fsync(file) == 0;
  auto result = good ? Result() : failed_call(path);
  ::close(file);
  return result;
}

}  // namespace

Result backup_store(const std::string& from, const std::string& to) {
  sqlite::configure_library();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(from, ignored)) return failed(from + " is not there");
  if (std::filesystem::is_directory(to, ignored)) return failed(to + " is a folder");
  auto folder = std::filesystem::path(to).parent_path().string();
  if (folder.empty()) folder = ".";
  std::string beside = to + ".XXXXXX";
  const int file = ::mkstemp(beside.data());  // mode 0600
  if (file < 0) return failed_call(to + " cannot be written");
  ::close(file);
  auto done = copy_pages(from, beside);
  if (done) done = sync(beside, O_RDONLY);
  if (done && ::rename(beside.c_str(), to.c_str()) != 0) done = failed_call(to + " cannot be written");
  if (!done) {
    ::unlink(beside.c_str());
    return done;
  }
  return sync(folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace athena::control
