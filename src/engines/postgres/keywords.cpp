#include "engines/postgres/keywords.h"

namespace athena::postgres {
namespace {

// A path that does not exist: an empty value would mean libpq's own default below the home folder.
constexpr const char* kNoFile = "/nonexistent/athena";
constexpr const char* kSystemBundle = "/etc/ssl/certs/ca-certificates.crt";

const char* name(Target::SslMode mode) {
  switch (mode) {
    case Target::SslMode::disable:
      return "disable";
    case Target::SslMode::allow:
      return "allow";
    case Target::SslMode::prefer:
      return "prefer";
    case Target::SslMode::require:
      return "require";
    case Target::SslMode::verify_ca:
      return "verify-ca";
    case Target::SslMode::verify_full:
      return "verify-full";
  }
  return "verify-full";
}

}  // namespace

Keywords::Keywords(const Target& target, const Target::Host& host, Target::SslMode mode)
    : keywords_(target.parameters) {
  const auto set_given = [this](std::string_view keyword, const std::string& value) {
    if (!value.empty()) set(keyword, value);
  };
  set_given("host", host.host);
  set_given("hostaddr", host.hostaddr);
  set_given("port", host.port);
  set_given("user", target.user);
  set_given("password", target.password);
  set_given("dbname", target.database);
  const bool verifies = mode == Target::SslMode::verify_ca || mode == Target::SslMode::verify_full;
  set_default("sslrootcert", verifies ? kSystemBundle : kNoFile);
  for (const char* file : {"passfile", "sslcert", "sslkey", "sslcrl"}) set_default(file, kNoFile);
  set("sslmode", name(mode));
  set("gssencmode", "disable");
}

void Keywords::set(std::string_view name, std::string_view value) {
  for (auto& keyword : keywords_) {
    if (keyword.first == name) {
      keyword.second = value;
      return;
    }
  }
  keywords_.emplace_back(name, value);
}

void Keywords::set_default(std::string_view name, std::string_view value) {
  for (const auto& keyword : keywords_) {
    if (keyword.first == name && !keyword.second.empty()) return;
  }
  keywords_.emplace_back(name, value);
}

Keywords::Arrays Keywords::arrays() const {
  Arrays arrays;
  for (const auto& [name, value] : keywords_) {
    arrays.names.push_back(name.c_str());
    arrays.values.push_back(value.c_str());
  }
  arrays.names.push_back(nullptr);
  arrays.values.push_back(nullptr);
  return arrays;
}

}  // namespace athena::postgres
