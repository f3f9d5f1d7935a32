#include <array>

#include "api/admin_handlers.h"
#include "api/store_access.h"
#include "base/iso_time.h"
#include "services/control/audit.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using control::AuditRecord;
using control::Session;

constexpr std::string_view kList = "audit";

contract::Result<std::optional<std::int64_t>> time_of(const QueryString& parameters, std::string_view name) {
  const auto text = parameters.find(name);
  if (!text) return std::optional<std::int64_t>();
  const auto time = base::parse_iso_time(*text);
  if (!time)
    return Error(ErrorCode::invalid_value,
                 std::string(name) + " must be a time with its offset, like 2026-03-01T08:00:00Z.")
        .with("member", name);
  return time;
}

contract::Result<control::AuditFilter> filter_of(const QueryString& parameters) {
  control::AuditFilter filter;
  const std::array<std::pair<std::string_view, std::string*>, 5> texts{
      {{"actor", &filter.actor},
       {"action", &filter.action_prefix},
       {"object_type", &filter.object_type},
       {"object_id", &filter.object_id},
       {"client_name", &filter.client_name}}};
  for (const auto& [name, target] : texts) *target = std::string(parameters.find(name).value_or(""));
  auto since = time_of(parameters, "since");
  if (!since) return since.error();
  auto until = time_of(parameters, "until");
  if (!until) return until.error();
  filter.since_ms = *since;
  filter.until_ms = *until;
  return filter;
}

}  // namespace

base::Task<void> list_audit(Call& call) {
  const auto parameters = QueryString::parse(call.request().query);
  if (!parameters) co_return call.fail(parameters.error());
  const auto page = list_page(call, *parameters, kList);
  if (!page) co_return call.fail(page.error());
  const auto kind = parameters->find("kind").value_or("all");
  if (kind != "all" && kind != "admin" && kind != "management") {
    const Error error =
        Error(ErrorCode::invalid_value, "kind must be all, admin or management.").with("member", "kind");
    co_return call.fail(error);
  }
  auto filter = filter_of(*parameters);
  if (!filter) co_return call.fail(filter.error());
  filter->limit = page->limit;
  if (!page->place.empty()) filter->before_row = std::stoll(page->place);
  using Found = std::vector<AuditRecord>;
  // Nothing of this program writes rows of kind management yet.
  const bool none = kind == "management";
  auto found = co_await on_store<Found>(
      call, StoreFamily::others, [filter = *filter, none](Session& session) -> control::Outcome<Found> {
        if (none) return contract::Result<Found>(Found{});
        auto records = list_audit(session, filter);
        if (!records) return records.error();
        return contract::Result<Found>(std::move(*records));
      });
  if (!found) co_return call.fail(found.error());
  std::optional<std::string> next;
  if (static_cast<std::int64_t>(found->size()) > page->limit) {
    found->resize(static_cast<std::size_t>(page->limit));
    next = std::to_string(found->back().row_id);
  }
  auto json = begin_data(call, "Listed audit entries");
  json.key("entries").begin_array();
  for (const auto& record : *found) append(json, record);
  json.end_array();
  end_list(call, json, kList, next, static_cast<std::int64_t>(found->size()));
}

}  // namespace athena::api
