#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/accept.h"
#include "api/authenticate.h"
#include "api/call.h"
#include "api/reply.h"
#include "query/json_sink.h"
#include "query/parse.h"

namespace athena::api {

/// What the operations share: everything between the credential and the engine.
struct Operation {
  const catalog::Entry* client = nullptr;
  engines::Backend* backend = nullptr;
  const query::Value* body = nullptr;
  Shape shape = Shape::rows;
  base::Deadline deadline{base::Clock::time_point{}};
  base::Clock::time_point handed_over{};  ///< to the engine; set by execution_context()
  bool strip_nulls = false;
  Format format = Format::json;  ///< by Accept, on the routes that have more than JSON
  std::vector<std::string> sql;
  bool explain = false;

  [[nodiscard]] std::string_view engine() const { return name(client->definition.engine); }
  [[nodiscard]] std::int64_t max_rows(const Call& call) const {
    if (format != Format::json) return call.settings().max_stream_rows;
    return client->definition.limits.max_rows.value_or(call.settings().max_rows);
  }
  /// For the parser, before the client is known.
  [[nodiscard]] query::ParseContext parse_context(const Call& call) const {
    const bool stream = format != Format::json;
    return {call.exchange.memory(), call.settings(),
            stream ? call.settings().max_stream_rows : call.settings().max_rows, stream};
  }
};

/// Stages 3 and 4 but for the body.
contract::Result<void> begin_without_body(Call& call, Operation& operation);
/// Stages 3 and 4 up to the JSON body.
base::Task<contract::Result<void>> begin(Call& call, Operation& operation);
/// What stages 5 to 10 ask of an operation.
struct Routing {
  bool audited = false;  ///< the audit headers are demanded
  /// The client's name when the body gives it (`db_name`); empty = the header.
  std::string_view client_name = {};
  /// Beside gateway_query.
  std::optional<contract::Capability> capability = std::nullopt;
  /// The request is for another engine, so a direct PostgreSQL URI beside it does not count.
  bool ignores_direct_uri = false;
  /// The table that the request is for; null for raw text and functions, which could reach any.
  const query::Target* table = nullptr;
  auth::Verb verb = auth::Verb::read;
};
/// Stages 5 to 10; `parse_error` is a refusal of the parser that belongs to stage 8 (a feature that is not
/// built). A failure with call.direct_pending set is none yet: after open_direct() the
/// same call goes on.
contract::Result<void> route(Call& call, Operation& operation, const Routing& routing,
                             const std::optional<contract::Error>& parse_error = std::nullopt);
/// 501 for a feature that the client's engine does not have.
contract::Error feature_missing(const catalog::Entry& client, std::string_view feature);
/// The parser's error when it must wait for stage 8, else none; any other error is for now.
bool belongs_to_stage_8(const contract::Error& error);
/// engine, has and alternative for a feature refusal that the parser made without knowing the client.
contract::Error complete_refusal(contract::Error error, const catalog::Entry& client);

/// The context the engine runs with.
engines::ExecutionContext execution_context(Call& call, Operation& operation,
                                            engines::Cancellation& cancellation);
/// The engine's failure as it is sent: a passed deadline says how long it was.
contract::Error with_deadline(const Call& call, const Operation& operation, contract::Error error);
/// `strip_nulls` of a body whose parser does not look at it.
contract::Result<bool> strip_nulls_member(const query::Value& body);
/// Header X-Strip-Nulls over the body's member.
bool strip_nulls(const Call& call, bool body_member);
/// After the engine: metrics, the operation's record.
void record(Call& call, const Operation& operation, const contract::Result<query::Summary>& summary);

// Handlers of the routes.
base::Task<void> fetch(Call& call);
base::Task<void> insert(Call& call);
base::Task<void> update(Call& call);
base::Task<void> remove(Call& call);
base::Task<void> raw_query(Call& call);
base::Task<void> sql_by_driver(Call& call);
base::Task<void> count_by_driver(Call& call);
base::Task<void> call_function(Call& call);

}  // namespace athena::api
