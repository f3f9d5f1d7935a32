#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "api/context.h"
#include "api/route.h"
#include "base/deadline.h"
#include "contract/error.h"
#include "http/exchange.h"
#include "http/router.h"
#include "query/parse.h"
#include "services/auth/gatekeeper.h"
#include "services/catalog/registry.h"
#include "services/telemetry/stages.h"

namespace athena::api {

/// One request on its way through the stages. Lives in the coroutine of the request, or on the stack for
/// routes that never wait.
struct Call {
  ShardContext& context;
  http::Exchange& exchange;
  const Route& route;
  const http::RouteMatch& match;
  auth::Caller caller;
  /// The configuration this request began with; it stays until the request ends.
  ViewPointer view = context.view;
  KeyViewPointer keys = context.keys;  ///< the same for keys, rights and enforcement
  catalog::DirectUse direct = {};      ///< the pool of the request's direct URI, once it is there
  bool direct_pending = false;         ///< stage 10 waits for open_direct()
  /// open_direct() has to find out first whether the database of this one holds control tables.
  engines::Backend* unidentified = nullptr;
  telemetry::StageTimes stages = {};
  auth::Credential credential = {};   ///< what the request shows; set by stage 2
  RunningRequest* running = nullptr;  ///< of handlers that wait

  [[nodiscard]] const contract::GatewaySettings& settings() const { return view->snapshot().settings; }
  [[nodiscard]] const ApiSettings& api() const { return view->snapshot().api; }
  [[nodiscard]] const auth::Gatekeeper& gatekeeper() const { return view->snapshot().gatekeeper; }
  [[nodiscard]] const auth::KeyState& key_state() const { return keys->state(); }
  [[nodiscard]] const catalog::Registry& registry() const { return view->snapshot().registry; }
  [[nodiscard]] const http::Request& request() const { return exchange.request(); }
  /// Puts the failure reply into the response, with the route's operation.
  void fail(const contract::Error& error);
  /// What an engine gave up because an operator asked for it is no leaving of the caller: the error as it is
  /// sent.
  [[nodiscard]] contract::Error seen_by_caller(const contract::Error& error) const;
};

// The stages of a request but for those of authenticate.h, in the order in which handlers go through them.
// Each gives an error that is ready to be sent.

/// The deadline of X-Athena-Timeout-Ms or the default, from the end of the request head.
contract::Result<base::Deadline> request_deadline(const Call& call);
/// Stage 4: waits for the body and parses it to a JSON object.
base::Task<contract::Result<const query::Value*>> read_json(Call& call);
/// Labels the request with its client, for metrics and records.
void note_client(Call& call, const catalog::Entry& entry);
/// Stages 6 and 7: the client named by X-Athena-Client, or by the body (`named`; a header that names another
/// one is client_mismatch), or by a wildcard host; known and active. Sets the metrics label.
contract::Result<const catalog::Entry*> resolve_client(Call& call, std::string_view named = {});
/// Same, but frozen and inactive clients are found too.
contract::Result<const catalog::Entry*> find_client(Call& call, std::string_view named = {});
/// Stage 8.
contract::Result<void> require(const Call& call, const catalog::Entry& client,
                               contract::Capability capability);
/// What stands for the `*` of the first pattern of gateway.wildcard_hosts that the request's host fits; false
/// when there is none.
bool host_label(const Call& call, std::string_view& label);
/// The host name the request was sent to, without port and final dot.
std::string_view effective_host(const Call& call);
/// Stage 10: the client's backend on this shard.
contract::Result<engines::Backend*> backend(Call& call, const catalog::Entry& client);

/// Whether the request carries an SDK mark or came under `/db`.
bool is_sdk_request(const http::Request& request);
enum class Shape : std::uint8_t { rows, array };
/// X-Athena-Shape, else the configured shape, else what SDK marks say.
contract::Result<Shape> reply_shape(const Call& call);

}  // namespace athena::api
