#include "api/authenticate.h"

#include "api/direct.h"
#include "api/forwarded.h"
#include "api/notes.h"
#include "base/unix_time.h"
#include "services/auth/throttle.h"
#include "services/catalog/host_patterns.h"

namespace athena::api {
namespace {

using auth::RequiredRight;
using contract::Error;
using contract::ErrorCode;

constexpr auto kDirect = "gateway.direct";

/// Whether a direct URI beside this request counts before its body is known. The routes by driver find out
/// from the body.
bool takes_direct_uri(const Route& route) {
  return !route.operation.empty() && route.group == "gateway";
}

/// The rights of a table are checked when the table is known.
bool needs_no_body(std::string_view right) {
  return !right.empty() && !right.starts_with('{');
}

/// The client that the host name stands for: its name, or the label when there is none.
std::string_view host_client(const Call& call) {
  std::string_view label;
  if (!host_label(call, label)) return {};
  const auto* entry = call.registry().find_by_label(label);
  return entry == nullptr ? label : std::string_view(entry->definition.client_name);
}

void note(Call& call, const auth::Decision& decision) {
  auto& notes = RequestNotes::of(call.exchange);
  const auto& credential = call.credential;
  notes.presented = credential.presented;
  if (credential.presumed != nullptr) {
    const auto& key = *credential.presumed;
    notes.has_key_public_id = key.public_id().size() == notes.key_public_id.size();
    if (notes.has_key_public_id) key.public_id().copy(notes.key_public_id.data(), notes.key_public_id.size());
    notes.key_row_id = key.row_id();
    if (key.id().size() == notes.key_id.size()) key.id().copy(notes.key_id.data(), notes.key_id.size());
  }
  notes.enforced = decision.caller.enforced;
  notes.authenticated = decision.reason == auth::Reason::authenticated ||
                        decision.reason == auth::Reason::admin_authenticated ||
                        decision.reason == auth::Reason::client_mismatch;
  notes.authorized = notes.authenticated && decision.reason != auth::Reason::client_mismatch;
  notes.auth_outcome = decision.outcome();
  const bool unenforced = !credential.presented.empty() && notes.auth_outcome == "unenforced";
  notes.auth_reason = name(decision.reason, unenforced);
}

/// The failure of a denied decision; too many wrong credentials are told apart here.
Error denied(Call& call, auth::Decision decision) {
  if (decision.failed_credential) {
    Forwarded caller(call.request(), call.api());
    const auto verdict = call.context.process.throttle->failed(
        caller.client_address(), call.gatekeeper().settings().failures_per_minute, base::Clock::now());
    if (verdict.throttled) {
      decision.reason = auth::Reason::throttled;
      call.context.metrics.auth_throttled();
      note(call, decision);
      return denial(decision, call.credential, call.key_state()).retry_after(verdict.retry_after);
    }
  }
  note(call, decision);
  return denial(decision, call.credential, call.key_state());
}

/// Stage 2 for one purpose.
contract::Result<void> admit(Call& call, const auth::Purpose& purpose) {
  const auto& state = call.key_state();
  const auto& health = *call.context.process.store_health;
  // Only a key has something to be compared with the wall clock.
  const bool is_key = call.credential.kind == auth::Credential::Kind::key;
  const auto decision = call.gatekeeper().decide(
      call.credential, state, purpose, health.age(call.exchange.received_at()), is_key ? base::unix_ms() : 0);
  call.caller = decision.caller;
  if (!decision.allowed) return denied(call, decision);
  note(call, decision);
  return {};
}

/// Stage 3.
contract::Result<void> require_fixed_rights(Call& call, bool direct) {
  if (needs_no_body(call.route.right)) {
    if (auto has = require_right(call, RequiredRight::fixed(call.route.right)); !has) return has;
  }
  if (direct) return require_right(call, RequiredRight::fixed(kDirect));
  return {};
}

contract::Result<void> authenticate_keyed(Call& call) {
  const auto& request = call.request();
  call.credential = call.gatekeeper().examine(request, call.key_state().keys);
  auth::Purpose purpose{{}, takes_direct_uri(call.route) && !direct_text(request).uri.empty()};
  for (const auto& header : request.headers) {
    if (header.value.empty() || !http::equals_ignoring_case(header.name, "X-Athena-Client")) continue;
    // Two names are refused later; until then the request has to pass for both.
    if (!purpose.client.empty()) {
      if (auto admitted = admit(call, purpose); !admitted) return admitted;
    }
    purpose.client = header.value;
  }
  if (purpose.client.empty()) purpose.client = host_client(call);
  if (auto admitted = admit(call, purpose); !admitted) return admitted;
  return require_fixed_rights(call, purpose.direct);
}

}  // namespace

contract::Result<void> authenticate(Call& call) {
  switch (call.route.access) {
    case Route::Access::open:
      return {};
    case Route::Access::admin:
      return require_admin(call);
    case Route::Access::keyed:
      break;
  }
  return authenticate_keyed(call);
}

contract::Result<void> authenticate_for(Call& call, std::string_view client) {
  if (auto admitted = admit(call, {client, false}); !admitted) return admitted;
  return require_fixed_rights(call, false);
}

contract::Result<void> authenticate_direct(Call& call, std::string_view client) {
  if (auto admitted = admit(call, {client, true}); !admitted) return admitted;
  return require_fixed_rights(call, true);
}

contract::Result<void> require_admin(Call& call) {
  call.credential = call.gatekeeper().examine_admin(call.request());
  auth::Decision decision;
  decision.caller.enforced = true;
  decision.reason = call.credential.reason;
  if (call.credential.kind == auth::Credential::Kind::admin) {
    decision.caller.kind = auth::Caller::Kind::admin;
    decision.caller.admin_name = call.credential.admin_name;
    call.caller = decision.caller;
    note(call, decision);
    return {};
  }
  decision.allowed = false;
  decision.failed_credential = call.credential.kind == auth::Credential::Kind::refused;
  auto error = denied(call, decision);
  if (error.code() == ErrorCode::rate_limited) return error;
  return Error(ErrorCode::invalid_admin_key, "This route needs the admin key.");
}

contract::Result<void> require_right(Call& call, const RequiredRight& required) {
  auto& notes = RequestNotes::of(call.exchange);
  auto* place = call.exchange.memory().allocate(sizeof(RightNote), alignof(RightNote));
  notes.required = new (place) RightNote{required, notes.required};
  if (call.caller.may(required)) return {};
  notes.authorized = false;
  notes.auth_outcome = "denied";
  notes.auth_reason = name(auth::Reason::missing_rights);
  return lacking(required);
}

contract::Result<void> require_table(Call& call, const query::Target& target, auth::Verb verb) {
  return require_right(call, RequiredRight::table(target.schema, target.table, verb));
}

contract::Result<bool> wants_explain(Call& call) {
  const auto value = call.request().header("X-Athena-Explain");
  if (value.empty()) return false;
  if (value != "sql") {
    return Error(ErrorCode::invalid_value, "The header X-Athena-Explain must be sql.")
        .with("member", "X-Athena-Explain");
  }
  const auto query = RequiredRight::fixed("gateway.query");
  // Where no key is asked for this is for the admin key alone.
  if (!call.caller.is_admin() && !call.caller.enforced) {
    return Error(ErrorCode::missing_api_key_rights, "X-Athena-Explain needs the right gateway.query.");
  }
  if (auto has = require_right(call, query); !has) return has.error();
  return true;
}

}  // namespace athena::api
