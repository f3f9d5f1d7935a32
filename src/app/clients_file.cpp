#include "app/clients_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "base/json_writer.h"
#include "contract/client_definition.h"

namespace athena::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBytes = 4UL << 20;

void print(std::string& out, const json::value& value, std::size_t indent) {
  const auto line = [&](std::size_t depth) { out += "\n" + std::string(depth * 2, ' '); };
  if (const auto* object = value.if_object()) {
    out += '{';
    bool first = true;
    for (const auto& [name, member] : *object) {
      if (!first) out += ',';
      first = false;
      line(indent + 1);
      out += base::json_string(name) + ": ";
      print(out, member, indent + 1);
    }
    if (!first) line(indent);
    out += '}';
  } else if (const auto* array = value.if_array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += ',';
      line(indent + 1);
      print(out, (*array)[i], indent + 1);
    }
    if (!array->empty()) line(indent);
    out += ']';
  } else if (const auto* number = value.if_double()) {
    std::array<char, 64> text{};
    const auto written = std::to_chars(text.data(), text.data() + text.size(), *number);
    out.append(text.data(), written.ptr);
  } else if (const auto* text = value.if_string()) {
    out += base::json_string({text->data(), text->size()});
  } else {
    out += json::serialize(value);
  }
}

bool same_name(std::string_view a, std::string_view b) {
  return contract::client_key(a) == contract::client_key(b);
}

std::string problem(const std::string& path, int error) {
  return path + " cannot be written: " + std::strerror(error);
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const auto size = ::write(file, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace

base::Result<ClientsFile, std::string> ClientsFile::read(const std::string& path) {
  ClientsFile result;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return result;
    return path + " cannot be read: " + std::strerror(errno);
  }
  std::string text;
  std::array<char, 65536> chunk{};
  ssize_t size = 0;
  while (text.size() <= kMaxBytes && (size = ::read(file, chunk.data(), chunk.size())) > 0)
    text.append(chunk.data(), static_cast<std::size_t>(size));
  const int reason = errno;
  close(file);
  if (size < 0) return path + " cannot be read: " + std::strerror(reason);
  if (text.size() > kMaxBytes) return path + " is larger than 4 MiB.";
  boost::system::error_code error;
  auto value = json::parse(text, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return path + " is not a JSON object; it is left as it is.";
  result.root_ = *object;
  const auto* clients = object->if_contains("clients");
  if (clients != nullptr) {
    const auto* entries = clients->if_object();
    const bool texts =
        entries != nullptr && std::all_of(entries->begin(), entries->end(),
                                          [](const auto& entry) { return entry.value().is_string(); });
    if (!texts) return path + ": \"clients\" must be an object of names and URIs; it is left as it is.";
  }
  const auto* chosen = object->if_contains("default");
  if (chosen != nullptr && !chosen->is_null() && !chosen->is_string())
    return path + ": \"default\" must be a name or null; it is left as it is.";
  return result;
}

base::Result<void, std::string> ClientsFile::write(const std::string& path) const {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto target = fs::is_symlink(path, error) ? fs::canonical(path, error).string() : path;
  const auto folder = fs::path(target).parent_path();
  if (!folder.empty()) fs::create_directories(folder, error);
  std::string text;
  print(text, root_, 0);
  text += '\n';
  auto beside = target + ".XXXXXX";
  const int file = mkstemp(beside.data());  // mode 0600
  if (file < 0) return problem(path, errno);
  const bool written = write_all(file, text) && fsync(file) == 0;
  const int reason = errno;
  close(file);
  if (!written || rename(beside.c_str(), target.c_str()) != 0) {
    const int failure = written ? errno : reason;
    unlink(beside.c_str());
    return problem(path, failure);
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> ClientsFile::clients() const {
  std::vector<std::pair<std::string, std::string>> result;
  if (const auto* entries = root_.if_contains("clients"); entries != nullptr && entries->is_object()) {
    for (const auto& entry : entries->get_object())
      result.emplace_back(std::string(entry.key()), std::string(entry.value().as_string()));
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::optional<std::string> ClientsFile::default_client() const {
  const auto* chosen = root_.if_contains("default");
  if (chosen == nullptr || !chosen->is_string()) return std::nullopt;
  return std::string(chosen->get_string());
}

std::optional<std::string> ClientsFile::find(std::string_view name) const {
  for (const auto& [written, uri] : clients()) {
    if (same_name(written, name)) return written;
  }
  return std::nullopt;
}

json::object& ClientsFile::entries() {
  if (!root_.contains("default")) root_["default"] = nullptr;
  auto& value = root_["clients"];
  if (!value.is_object()) value = json::object();
  return value.get_object();
}

void ClientsFile::put(std::string_view name, std::string_view uri) {
  const auto written = find(name).value_or(std::string(name));
  const bool first = clients().empty();
  entries()[written] = json::string(uri);
  if (first) root_["default"] = json::string(written);
}

bool ClientsFile::remove(std::string_view name) {
  const auto written = find(name);
  if (!written) return false;
  entries().erase(*written);
  if (const auto chosen = default_client(); chosen && same_name(*chosen, name)) root_["default"] = nullptr;
  return true;
}

bool ClientsFile::set_default(std::string_view name) {
  const auto written = find(name);
  if (!written) return false;
  entries();
  root_["default"] = json::string(*written);
  return true;
}

}  // namespace athena::app
