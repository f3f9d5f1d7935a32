#include <algorithm>
#include <memory_resource>

#include "base/json_reader.h"
#include "services/control/client_secrets.h"
#include "services/control/clients.h"
#include "services/control/texts.h"

namespace athena::control {
namespace {

using contract::Error;
using contract::ErrorCode;

constexpr std::size_t kMostMetadata = 64UL * 1024;
constexpr std::size_t kMostConnection = 64UL * 1024;
constexpr std::size_t kLongestUri = 8192;

Error wrong(std::string_view member, const std::string& what, ErrorCode code = ErrorCode::invalid_value) {
  return Error(code, std::string(member) + " " + what).with("member", member);
}

constexpr const char* kMasked = "holds ***, which stands for a secret that is not shown; give the secret.";

contract::Result<void> check_uri(const std::string& uri) {
  if (has_masked_password(uri)) return wrong("pg_uri", kMasked);
  if (!uri.starts_with("postgres://") && !uri.starts_with("postgresql://") && !uri.starts_with("${"))
    return wrong("pg_uri", "must begin with postgres:// or postgresql://, or be ${VARIABLE}.");
  if (uri.size() > kLongestUri)
    return wrong("pg_uri", "must have at most " + std::to_string(kLongestUri) + " bytes.");
  return {};
}

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && name.size() <= 200 && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

contract::Result<void> check_metadata(const std::string& metadata) {
  if (metadata.size() > kMostMetadata) return wrong("metadata", "must have at most 64 KiB.");
  std::pmr::monotonic_buffer_resource memory;
  const auto parsed = base::parse_json(metadata, memory);
  if (!parsed || !(*parsed)->is_object())
    return wrong("metadata", "must be an object.", ErrorCode::invalid_payload);
  for (const auto* name : {"engine", "connection"}) {
    if ((*parsed)->find(name) != nullptr)
      return wrong(std::string("metadata.") + name, std::string("is a member of its own: ") + name + ".");
  }
  const auto typed = [&](const char* name, bool fits, const char* expected) -> contract::Result<void> {
    if (fits) return {};
    return wrong(std::string("metadata.") + name, std::string("must be ") + expected + ".",
                 ErrorCode::invalid_payload);
  };
  const auto* labels = (*parsed)->find("host_labels");
  const bool are_texts =
      labels == nullptr ||
      (labels->is_array() && std::all_of(labels->items.begin(), labels->items.end(),
                                         [](const auto* item) { return item->is_string(); }));
  if (auto good = typed("host_labels", are_texts, "a list of texts"); !good) return good;
  const auto* flags = (*parsed)->find("capabilities");
  const bool are_flags =
      flags == nullptr ||
      (flags->is_object() && std::all_of(flags->members.begin(), flags->members.end(),
                                         [](const auto& flag) { return flag.value->is_boolean(); }));
  if (auto good = typed("capabilities", are_flags, "an object of true and false"); !good) return good;
  const auto* limits = (*parsed)->find("limits");
  if (auto good = typed("limits", limits == nullptr || limits->is_object(), "an object"); !good) return good;
  const auto* ignore = (*parsed)->find("rest_ignore_jwt");
  return typed("rest_ignore_jwt", ignore == nullptr || ignore->is_boolean(), "true or false");
}

/// A capability that the engine lacks can't be switched on.
contract::Result<void> check_capabilities(const std::string& metadata, contract::Engine engine) {
  std::pmr::monotonic_buffer_resource memory;
  const auto parsed = base::parse_json(metadata, memory);
  const auto* flags = parsed ? (*parsed)->find("capabilities") : nullptr;
  if (flags == nullptr) return {};
  const auto has = contract::engine_capabilities(engine);
  for (const auto& [name, value] : flags->members) {
    const auto capability = contract::capability_from_name(name);
    if (capability && value->boolean && !has.has(*capability))
      return wrong("metadata.capabilities." + std::string(name),
                   "can't be switched on: the engine " + std::string(contract::name(engine)) + " lacks it.");
  }
  return {};
}

bool names_uri(const std::string& connection) {
  std::pmr::monotonic_buffer_resource memory;
  const auto parsed = base::parse_json(connection, memory);
  if (!parsed) return false;
  return std::ranges::any_of(
      std::initializer_list<const char*>{"uri", "uri_env_var", "pg_uri", "pg_uri_env_var"},
      [&](const char* name) { return (*parsed)->find_present(name) != nullptr; });
}

/// One address, given in one way.
contract::Result<void> check_places(const ClientFields& fields) {
  const auto given = [](const auto& member) { return member && *member; };
  if (given(fields.pg_uri) && given(fields.pg_uri_env_var))
    return wrong("pg_uri_env_var", "and pg_uri exclude each other.", ErrorCode::invalid_payload);
  if ((given(fields.pg_uri) || given(fields.pg_uri_env_var)) && given(fields.connection) &&
      names_uri(**fields.connection))
    return wrong("connection.uri", "excludes pg_uri and pg_uri_env_var.", ErrorCode::invalid_payload);
  if (given(fields.pg_uri)) {
    if (auto good = check_uri(**fields.pg_uri); !good) return good;
  }
  if (given(fields.pg_uri_env_var) && !is_variable_name(**fields.pg_uri_env_var))
    return wrong("pg_uri_env_var", "must be the name of an environment variable.");
  if (given(fields.connection)) {
    if ((*fields.connection)->size() > kMostConnection)
      return wrong("connection", "must have at most 64 KiB.");
    if (has_masked_secret(**fields.connection)) return wrong("connection", kMasked);
  }
  return {};
}

}  // namespace

contract::Result<void> check(ClientFields& fields, bool is_new) {
  if (is_new) {
    if (!fields.client_name)
      return Error(ErrorCode::missing_field, "client_name is needed.").with("member", "client_name");
    *fields.client_name = trimmed_text(*fields.client_name);
    if (auto good = contract::check_client_name(*fields.client_name); !good)
      return Error(ErrorCode::invalid_value, good.error().text()).with("member", "client_name");
  }
  std::optional<contract::Engine> engine;
  if (fields.engine) {
    engine = contract::engine_from_name(*fields.engine);
    if (!engine) return wrong("engine", "must be postgresql, sqlite, scylla, supabase, postgrest, d1 or s3.");
  } else if (is_new) {
    engine = contract::Engine::postgresql;
  }
  if (fields.description && *fields.description && characters(**fields.description) > 2000)
    return wrong("description", "must have at most 2000 characters.");
  if (fields.metadata) {
    if (auto good = check_metadata(*fields.metadata); !good) return good;
    if (engine) {
      if (auto good = check_capabilities(*fields.metadata, *engine); !good) return good;
    }
  }
  if (auto good = check_places(fields); !good) return good;
  const bool has_place = (fields.pg_uri && *fields.pg_uri) ||
                         (fields.pg_uri_env_var && *fields.pg_uri_env_var) ||
                         (fields.connection && *fields.connection);
  if (is_new && !has_place)
    return Error(ErrorCode::missing_field, "One of pg_uri, pg_uri_env_var and connection is needed.")
        .with("member", "pg_uri");
  return {};
}

}  // namespace athena::control
