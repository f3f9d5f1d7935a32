#include "api/direct.h"

#include <utility>

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using http::equals_ignoring_case;

engines::TargetRules rules(const Call& call) {
  return {call.settings().jdbc_allowed_hosts, call.settings().jdbc_allow_private_hosts};
}

/// Whether the caller may use direct URIs at all: with a key where keys are asked for, on listed hosts
/// elsewhere.
contract::Result<void> check_right(const Call& call) {
  const auto refused = [](std::string_view rule, std::string sentence) {
    return Error(ErrorCode::target_not_allowed, std::move(sentence)).with("rule", rule);
  };
  if (!call.settings().direct_uri)
    return refused("off", "Direct URIs are switched off (gateway.direct_uri).");
  if (call.caller.enforced) return {};  // the credential passed before, with gateway.direct
  if (call.settings().jdbc_allowed_hosts.empty()) {
    return refused(
        "keyless",
        "Without keys, direct URIs work for the hosts of gateway.jdbc_allowed_hosts only, and it is empty.");
  }
  return {};
}

/// The label of direct_rejected_total.
std::string_view rejection(const Error& error) {
  static constexpr std::string_view kRules[] = {"off",        "keyless",         "socket_path", "bad_name",
                                                "not_listed", "private_address", "number_form"};
  switch (error.code()) {
    case ErrorCode::invalid_value:
    case ErrorCode::invalid_payload:
      return "uri";
    case ErrorCode::overloaded:
      return "overloaded";
    case ErrorCode::deadline_exceeded:
      return "expired";
    case ErrorCode::target_not_allowed:
      break;
    default:
      return "unresolved";
  }
  for (const auto& detail : error.details()) {
    if (detail.name != "rule") continue;
    for (const auto rule : kRules) {
      if (detail.json.size() == rule.size() + 2 && detail.json.substr(1, rule.size()) == rule) return rule;
    }
  }
  return "other";
}

Error rejected(Call& call, const Error& error) {
  call.context.metrics.direct_rejected(rejection(error));
  return error;
}

}  // namespace

catalog::DirectText direct_text(const http::Request& request) {
  static constexpr std::string_view kHeaders[] = {"x-pg-uri", "x-athena-jdbc-url", "X-JDBC-URL"};
  catalog::DirectText found;
  std::size_t rank = std::size(kHeaders);
  for (const auto& header : request.headers) {
    if (header.value.empty()) continue;
    for (std::size_t index = 0; index < rank; ++index) {
      if (header.name.size() != kHeaders[index].size() || !equals_ignoring_case(header.name, kHeaders[index]))
        continue;
      rank = index;
      found = {kHeaders[index], header.value};
    }
  }
  return found;
}

contract::Result<const catalog::Entry*> find_direct(Call& call, const catalog::DirectText& text) {
  const auto& entry = catalog::direct_entry();
  note_client(call, entry);
  if (call.direct) return &entry;
  if (auto allowed = check_right(call); !allowed) return rejected(call, allowed.error());
  auto found = call.context.direct.find(text, rules(call), call.exchange.received_at());
  if (!found) return rejected(call, found.error());
  if (*found) {
    call.direct = std::move(*found);
    return &entry;
  }
  if (auto passed = catalog::DirectSide::check(text, rules(call)); !passed)
    return rejected(call, passed.error());
  return &entry;
}

contract::Result<engines::Backend*> direct_backend(Call& call) {
  if (!call.direct) {
    call.direct_pending = true;
    return Error(ErrorCode::backend_unreachable);
  }
  call.context.metrics.client_resolved("ok");
  return call.direct.backend();
}

base::Task<contract::Result<void>> open_direct(Call& call, base::Deadline deadline) {
  call.direct_pending = false;
  auto* backend = std::exchange(call.unidentified, nullptr);
  if (backend == nullptr) {
    auto opened = co_await call.context.direct.open(direct_text(call.request()), rules(call), deadline);
    if (!opened) co_return rejected(call, opened.error());
    call.direct = std::move(*opened);
    const bool unknown = call.gatekeeper().settings().protect_control_tables &&
                         call.direct.client().holds_control_tables() == engines::HoldsControlTables::unknown;
    if (!unknown) co_return contract::Result<void>();
    backend = call.direct.backend();
  }
  // Any question would do to have it connect; this one is small and remembered.
  auto connected = co_await backend->functions()->signatures("pg_catalog", "pg_control_system", deadline);
  if (!connected && connected.error().code() != ErrorCode::undefined_function) co_return connected.error();
  co_return contract::Result<void>();
}

}  // namespace athena::api
