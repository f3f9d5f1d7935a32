#include <optional>

#include "api/count_beside.h"
#include "api/direct.h"
#include "api/operation.h"
#include "api/row_output.h"
#include "api/url_parameters.h"
#include "base/json_writer.h"
#include "query/grouping_sink.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;

/// A fetch between its parsing and its reply.
struct Fetch {
  Fetch(Call& its_call, Operation& its_operation, query::Select&& select,
        const query::ReadOptions& its_options)
      : call(its_call), operation(its_operation), request(std::move(select)), options(its_options) {}

  Call& call;
  Operation& operation;
  query::Request request;  ///< a query::Select
  query::ReadOptions options;
  query::Request count_request = query::Count{};
  std::optional<CountBeside> count;
  std::optional<std::int64_t> total;

  [[nodiscard]] const query::Select& select() const { return std::get<query::Select>(request); }
  [[nodiscard]] query::JsonRowOptions row_options() const {
    return {strip_nulls(call, options.strip_nulls), call.settings().force_camel_case_to_snake_case};
  }
};

/// The members of GET /data as a body, which points into `parameters`.
contract::Result<const query::Value*> url_body(Call& call, QueryString& parameters) {
  auto parsed = QueryString::parse(call.request().query);
  if (!parsed) return parsed.error();
  parameters = std::move(*parsed);
  return query::parse_data_parameters(url_parameters(parameters), call.exchange.memory());
}

contract::Result<query::Select> parse(Call& call, const Operation& operation, std::int64_t max_rows,
                                      query::ReadOptions& options) {
  auto context = operation.parse_context(call);
  context.max_rows = max_rows;
  options = {};
  return query::parse_select(*operation.body, context, options);
}

/// Stages 4 to 10: parses, and finds the client.
contract::Result<query::Select> prepare(Call& call, Operation& operation, query::ReadOptions& options) {
  auto parsed = parse(call, operation, operation.parse_context(call).max_rows, options);
  std::optional<Error> refusal;
  query::Target target;
  if (parsed) {
    target = parsed->target;
  } else {
    if (!belongs_to_stage_8(parsed.error())) return parsed;
    refusal = parsed.error();
    const auto named = query::parse_table_name(*operation.body, operation.parse_context(call));
    if (!named) return named.error();
    target = *named;
  }
  if (auto routed = route(call, operation, {.table = &target}, refusal); !routed) return routed.error();
  if (operation.format == Format::json && operation.client->definition.limits.max_rows) {
    // The client's own limit counts only now that the client is known; pages are cut by it from the first one
    // on.
    return parse(call, operation, operation.max_rows(call), options);
  }
  return parsed;
}

void finish(Fetch& fetch, const query::Summary& summary, query::GroupingSink* grouping) {
  auto& call = fetch.call;
  auto& out = call.exchange.response().body;
  const bool rows_shape = fetch.operation.shape == Shape::rows;
  out.push_back(']');
  if (!rows_shape) {
    out.append(R"(,"count":)");
    base::append_integer(out, fetch.total.value_or(summary.rows_returned));
    out.append(R"(,"cache_key":null)");
  }
  if (grouping != nullptr) {
    out.append(R"(,"post_processing":)");
    grouping->append_grouped(out);
    if (grouping->failure()) return call.fail(*grouping->failure());
  }
  if (rows_shape) {
    out.push_back('}');
    if (fetch.total) {
      out.append(R"(,"count":)");
      base::append_integer(out, *fetch.total);
    }
  }
  out.append(R"(,"message":"Fetched )");
  base::append_integer(out, summary.rows_returned);
  out.append(R"( rows",)");
  Meta meta = meta_of(summary, fetch.operation.engine());
  std::string notice;
  if (grouping != nullptr && !grouping->notice().empty()) {
    notice = grouping->notice();
    meta.notices = {&notice, 1};
  }
  meta.next_offset = next_offset(fetch.select().page, summary);
  if (fetch.operation.explain) meta.sql = &fetch.operation.sql;
  append_meta(out, call, meta);
  out.push_back('}');
}

/// What is asked for instead of rows: nothing but the count, or with no count a page of no rows, so that a
/// name that is wrong is told all the same.
void ask_for_no_rows(Fetch& fetch) {
  auto& select = std::get<query::Select>(fetch.request);
  select.page.limit = 0;
  select.page.default_limit = false;
}

base::Task<contract::Result<query::Summary>> read_rows(Fetch& fetch, query::RowSink& sink,
                                                       engines::Cancellation& cancellation) {
  if (fetch.select().head) {
    // CSV has a header line even so.
    if (fetch.count && fetch.operation.format == Format::json) co_return query::Summary{};
    ask_for_no_rows(fetch);
  }
  const auto context = execution_context(fetch.call, fetch.operation, cancellation);
  auto summary = co_await fetch.operation.backend->query()->execute(fetch.request, sink, context);
  co_return summary;
}

/// Rows and count, which runs beside them.
base::Task<contract::Result<query::Summary>> read(Fetch& fetch, query::RowSink& sink,
                                                  engines::Cancellation& cancellation) {
  if (fetch.count) fetch.count->start();
  auto summary = co_await read_rows(fetch, sink, cancellation);
  record(fetch.call, fetch.operation, summary);
  if (fetch.count) {
    if (!summary) cancellation.request();
    if (fetch.call.running != nullptr)
      fetch.call.running->handed_over(cancellation, fetch.operation.deadline.at());
    auto total = co_await fetch.count->wait();
    if (summary && !total) co_return total.error();
    if (total) fetch.total = *total;
  }
  co_return summary;
}

/// A JSON reply around the one wait of a fetch: its sinks before, the rest of the envelope after.
class JsonReply {
 public:
  explicit JsonReply(Fetch& fetch)
      : fetch_(fetch), body_(fetch.call.exchange.response().body), rows_(begun(), fetch.row_options()) {
    if (!fetch.options.grouping) {
      stream_rows(fetch.call, rows_);
      return;
    }
    grouping_.emplace(rows_, body_, *fetch.options.grouping, fetch.row_options().snake_case_keys);
    rows_.limit_bytes(static_cast<std::size_t>(fetch.call.settings().max_buffered_bytes));
  }
  [[nodiscard]] query::RowSink& sink() {
    return grouping_ ? static_cast<query::RowSink&>(*grouping_) : rows_;
  }
  void end(const contract::Result<query::Summary>& summary) {
    auto& call = fetch_.call;
    if (grouping_ && grouping_->failure()) return call.fail(*grouping_->failure());
    if (grouping_ && rows_.overflowed()) {
      return call.fail(Error(ErrorCode::limit_too_large, "The rows to be grouped are too large.")
                           .with("max", call.settings().max_buffered_bytes));
    }
    if (!send_failure(call, fetch_.operation, rows_, summary))
      finish(fetch_, *summary, grouping_ ? &*grouping_ : nullptr);
  }

 private:
  /// The body with what stands before the first row.
  base::Buffer& begun() {
    body_.append(fetch_.operation.shape == Shape::rows ? R"({"status":"success","data":{"rows":[)"
                                                       : R"({"status":"success","data":[)");
    return body_;
  }

  Fetch& fetch_;
  base::Buffer& body_;
  query::JsonRowSink rows_;
  std::optional<query::GroupingSink> grouping_;
};

base::Task<void> reply_stream(Fetch& fetch, engines::Cancellation& cancellation) {
  auto& call = fetch.call;
  RowStream stream(call, fetch.operation.format, fetch.row_options());
  if (fetch.count) {
    // Its header stands before the first row.
    auto total = co_await fetch.count->wait();
    if (!total) {
      call.fail(total.error());
      co_return;
    }
    stream.set_count(*total);
  }
  auto summary = co_await read_rows(fetch, stream.sink(), cancellation);
  record(call, fetch.operation, summary);
  if (summary) {
    stream.finish(*summary);
  } else {
    stream.fail(with_deadline(call, fetch.operation, summary.error()));
  }
}

}  // namespace

base::Task<void> fetch(Call& call) {
  Operation operation;
  QueryString parameters;
  operation.format = accepted_format(call.request().header("Accept"));
  if (call.request().method == http::Method::post) {
    auto begun = co_await begin(call, operation);
    if (!begun) {
      call.fail(begun.error());
      co_return;
    }
  } else {
    if (auto begun = begin_without_body(call, operation); !begun) {
      call.fail(begun.error());
      co_return;
    }
    auto body = url_body(call, parameters);
    if (!body) {
      call.fail(body.error());
      co_return;
    }
    operation.body = *body;
  }
  query::ReadOptions options;
  auto select = prepare(call, operation, options);
  if (!select && call.direct_pending) {
    auto opened = co_await open_direct(call, operation.deadline);
    select = opened ? prepare(call, operation, options) : contract::Result<query::Select>(opened.error());
  }
  if (!select) {
    call.fail(select.error());
    co_return;
  }
  Fetch fetch(call, operation, std::move(*select), options);
  auto& response = call.exchange.response();
  response.add_header("X-Athena-Cached", "false");
  response.add_header("X-Athena-Cache-Outcome", "off");
  CallerWatch watch(call.exchange);
  if (fetch.select().count != query::CountMode::none) {
    fetch.count_request =
        query::Count{fetch.select().target, fetch.select().conditions, fetch.select().count};
    fetch.count.emplace(call, operation, fetch.count_request, watch.cancellation());
  }
  if (operation.format != Format::json) {
    co_await reply_stream(fetch, watch.cancellation());
    co_return;
  }
  JsonReply reply(fetch);
  contract::Result<query::Summary> summary = query::Summary{};
  if (fetch.count || fetch.select().head) {
    summary = co_await read(fetch, reply.sink(), watch.cancellation());
  } else {
    const auto context = execution_context(call, operation, watch.cancellation());
    summary = co_await operation.backend->query()->execute(fetch.request, reply.sink(), context);
    record(call, operation, summary);
  }
  reply.end(summary);
}

}  // namespace athena::api
