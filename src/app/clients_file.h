#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace athena::app {

/// config/clients.json, which only commands read: names of databases and the default one. Names are compared
/// without case. Members that are not known stay as they are.
class ClientsFile {
 public:
  static constexpr const char* kDefaultPath = "config/clients.json";

  /// A missing file is an empty one. The error is ready for the operator and has no part of the content.
  static base::Result<ClientsFile, std::string> read(const std::string& path);
  /// Writes beside it, syncs and renames: mode 0600, two blanks of indent, a final newline.
  [[nodiscard]] base::Result<void, std::string> write(const std::string& path) const;

  /// Name and URI, sorted by name.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> clients() const;
  [[nodiscard]] std::optional<std::string> default_client() const;
  /// Inserts or replaces; the first one becomes the default.
  void put(std::string_view name, std::string_view uri);
  /// False when there is no such client. Removing the default leaves none.
  bool remove(std::string_view name);
  bool set_default(std::string_view name);

 private:
  /// The name as it is written in the file.
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  boost::json::object& entries();

  boost::json::object root_;
};

}  // namespace athena::app
