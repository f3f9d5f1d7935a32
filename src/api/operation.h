#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/call.h"
#include "api/reply.h"
#include "query/json_sink.h"
#include "query/parse.h"

namespace athena::api {

/// What the four operations share: everything between the credential and the engine.
struct Operation {
  const catalog::Entry* client = nullptr;
  engines::QueryBackend* backend = nullptr;
  const query::Value* body = nullptr;
  Shape shape = Shape::rows;
  base::Deadline deadline{base::Clock::time_point{}};
  bool strip_nulls = false;
  std::vector<std::string> sql;
  bool explain = false;

  [[nodiscard]] std::string_view engine() const { return name(client->definition.engine); }
  [[nodiscard]] std::int64_t max_rows(const Call& call) const {
    return client->definition.limits.max_rows.value_or(call.settings().max_rows);
  }
};

/// Stages 3 and 4 up to the JSON body.
base::Task<contract::Result<void>> begin(Call& call, Operation& operation);
/// Stages 6 to 10; `parse_error` is a refusal of the parser that belongs to stage 8 (a feature that is not
/// built).
contract::Result<void> route(Call& call, Operation& operation, bool audited,
                             const std::optional<contract::Error>& parse_error);
/// The parser's error when it must wait for stage 8, else none; any other error is for now.
bool belongs_to_stage_8(const contract::Error& error);
/// engine, has and alternative for a feature refusal that the parser made without knowing the client.
contract::Error complete_refusal(contract::Error error, const catalog::Entry& client);

/// The context the engine runs with.
engines::ExecutionContext execution_context(const Call& call, Operation& operation,
                                            engines::Cancellation& cancellation);
/// The engine's failure as it is sent: a passed deadline says how long it was.
contract::Error with_deadline(const Call& call, const Operation& operation, contract::Error error);
/// Header X-Strip-Nulls over the body's member.
bool strip_nulls(const Call& call, bool body_member);
/// After the engine: metrics.
void record(Call& call, const Operation& operation, const contract::Result<query::Summary>& summary);

// Handlers of the routes.
base::Task<void> fetch(Call& call);
base::Task<void> insert(Call& call);
base::Task<void> update(Call& call);
base::Task<void> remove(Call& call);

}  // namespace athena::api
