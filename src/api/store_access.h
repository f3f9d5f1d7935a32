#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/call.h"
#include "api/json_builder.h"
#include "api/query_string.h"
#include "services/control/change.h"
#include "services/control/control_plane.h"

namespace athena::api {

// What the routes that work on the gateway's own state share.

/// Which home a route needs; it decides the code of a store that is away.
enum class StoreFamily : std::uint8_t { keys, others };

/// The failure as it is sent: auth_store_unavailable, control_store_unavailable or internal_error, which is
/// logged with what the store said.
contract::Error store_failure(const Call& call, StoreFamily family, const control::StoreError& error);
/// The process runs without a control plane: the same codes.
contract::Error no_store(StoreFamily family);
/// Who makes the change this request asks for.
control::Actor actor_of(Call& call);

inline constexpr std::chrono::seconds kStoreDeadline(10);

/// Runs `work(Session&)`, an Outcome<T>, on a thread of the family's home. T or the error to be sent.
template <class T, class Work>
base::Task<contract::Result<T>> on_store(Call& call, StoreFamily family, Work work) {
  auto* plane = call.context.process.control;
  if (plane == nullptr) co_return no_store(family);
  auto& store = family == StoreFamily::keys ? plane->auth() : plane->main();
  auto outcome = co_await store.run(call.context.shard, base::Deadline::in(kStoreDeadline), std::move(work));
  if (!outcome) co_return store_failure(call, family, outcome.error());
  co_return std::move(*outcome);
}

/// The same for a change of keys: when it comes back, this instance checks requests against what it made.
template <class T, class Work>
base::Task<contract::Result<T>> change_keys(Call& call, Work work) {
  auto* plane = call.context.process.control;
  auto changed = co_await on_store<T>(
      call, StoreFamily::keys,
      [plane, work = std::move(work)](control::Session& session) mutable -> control::Outcome<T> {
        auto outcome = work(session);
        if (!outcome || !*outcome) return outcome;
        if (auto refreshed = plane->keys().refresh(session); !refreshed) return refreshed.error();
        return outcome;
      });
  co_return changed;
}

/// `{"status":"success","message":…,"data":{` is there when this returns.
JsonBuilder begin_data(Call& call, std::string_view message);
/// Closes what begin_data() opened.
void end_data(JsonBuilder& json);

/// `limit` and `cursor` of a list.
struct ListPage {
  std::int64_t limit = 100;
  std::string place;  ///< where the page begins; empty = the first one
};
/// `list` names the list for its cursors. Errors: limit_too_large, invalid_value; control_store_unavailable
/// for a cursor while the key of cursors is not known.
contract::Result<ListPage> list_page(const Call& call, const QueryString& parameters, std::string_view list,
                                     std::int64_t default_limit = 100);
/// Writes `next_cursor` for a page that is cut at `place` (nothing = the last page), ends data, adds `meta`.
void end_list(Call& call, JsonBuilder& json, std::string_view list, const std::optional<std::string>& place,
              std::int64_t returned);

/// The decoded `{id}` of the path, a uuid: invalid_value.
contract::Result<std::string> uuid_of_path(const Call& call);
/// The decoded, trimmed `{client_name}` of the path.
contract::Result<std::string> client_of_path(const Call& call);
/// The same for names under which statistics count, which may be reserved ones.
contract::Result<std::string> name_of_path(const Call& call);

}  // namespace athena::api
