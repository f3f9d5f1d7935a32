#include "app/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/crypto.h"
#include "base/uuid.h"

namespace athena::app {
namespace {

base::Result<void, std::string> make_private_folder(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return "The data folder " + path + " cannot be created: " + std::strerror(errno);
    }
  }
  if (access(path.c_str(), W_OK | X_OK) != 0) {
    return "The data folder " + path + " is not writable: " + std::strerror(errno);
  }
  return {};
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  const auto last = text.find_last_not_of(" \t\r\n");
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

base::Sha256 from_hex(const std::string& hex) {
  base::Sha256 digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(i * 2, 2), nullptr, 16));
  }
  return digest;
}

base::Result<void, std::string> read_key_file(const std::string& path, std::string& key) {
  struct stat info{};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return path + " can be read by other users; set its mode to 0600.";
  }
  std::ifstream file(path);
  std::getline(file, key);
  key = trimmed(key);
  if (key.empty()) return path + " holds no key; remove it to have one made.";
  return {};
}

}  // namespace

std::string choose_data_dir(const Config& config, const Environment& environment) {
  if (!config.data_dir.empty()) return config.data_dir;
  if (auto path = environment.get("STATE_DIRECTORY")) return *path;
  std::error_code error;
  if (std::filesystem::is_directory("/var/lib/athena", error) &&
      access("/var/lib/athena", W_OK | X_OK) == 0) {
    return "/var/lib/athena";
  }
  if (auto path = environment.get("XDG_DATA_HOME")) return *path + "/athena";
  if (auto path = environment.get("HOME")) return *path + "/.local/share/athena";
  return "./athena-data";
}

base::Result<void, std::string> prepare_data_dir(const std::string& path) {
  if (auto made = make_private_folder(path); !made) return made;
  return make_private_folder(path + "/sqlite");
}

base::Result<void, std::string> claim_instance_id(const std::string& data_dir, std::string& instance_id) {
  const auto path = data_dir + "/instance_id";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return path + " cannot be opened: " + std::strerror(errno);
  const auto fresh = base::uuid_v4();
  instance_id = std::string(base::view(fresh));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    close(file);
    return {};
  }
  char text[64] = {};
  const auto size = pread(file, text, sizeof text - 1, 0);
  const auto kept = trimmed(std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0));
  if (kept.size() == fresh.size()) {
    instance_id = kept;
  } else if (ftruncate(file, 0) != 0 ||
             pwrite(file, (instance_id + "\n").data(), instance_id.size() + 1, 0) < 0) {
    return path + " cannot be written: " + std::strerror(errno);
  }
  return {};  // the descriptor stays open, and with it the lock
}

base::Result<AdminKeys, std::string> load_admin_keys(const Config& config, const std::string& data_dir,
                                                     const Environment& environment) {
  AdminKeys result;
  for (const auto& [name, hex] : config.admin_keys) result.keys.push_back({name, from_hex(hex)});
  const auto from_environment = trimmed(environment.get("ATHENA_KEY_12").value_or(""));
  if (!from_environment.empty()) {
    result.keys.push_back({"", base::sha256(from_environment)});
    result.note = "admin key from ATHENA_KEY_12";
    return result;
  }
  if (!result.keys.empty()) {
    result.note = "admin keys from api.admin_keys";
    return result;
  }
  const auto path = data_dir + "/admin.key";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    const auto text = base::random_hex(32) + "\n";
    const bool written =
        write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
    close(file);
    if (!written) {
      unlink(path.c_str());
      return path + " cannot be written.";
    }
  } else if (errno != EEXIST) {
    return path + " cannot be created: " + std::strerror(errno);
  }
  if (auto read = read_key_file(path, result.generated_key); !read) return read.error();
  result.keys.push_back({"", base::sha256(result.generated_key)});
  result.note = "admin key in " + path;
  return result;
}

}  // namespace athena::app
