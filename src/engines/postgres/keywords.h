#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engines/postgres/target.h"

namespace athena::postgres {

/// Connection parameters under libpq's names.
class Keywords {
 public:
  using Keyword = std::pair<std::string, std::string>;

  /// What every connection to `target` is made with: host and port as they are written, login, database, TLS
  /// by `mode`. Files that the target does not name are none: libpq would look below the home folder, and a
  /// server that is to be verified is so by the system's bundle. Holds the password.
  Keywords(const Target& target, const Target::Host& host, Target::SslMode mode);

  void set(std::string_view name, std::string_view value);
  /// Unless the target gives it.
  void set_default(std::string_view name, std::string_view value);

  /// Arrays for PQconnectStartParams, ended by null; valid while this object is unchanged.
  struct Arrays {
    std::vector<const char*> names, values;
  };
  [[nodiscard]] Arrays arrays() const;

 private:
  std::vector<Keyword> keywords_;
};

}  // namespace athena::postgres
