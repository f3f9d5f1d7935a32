#include "api/direct.h"
#include "api/operation.h"
#include "base/json_writer.h"
#include "query/grouping_sink.h"

namespace athena::api {
namespace {

using contract::Error;

/// Rows that a write returns. They are kept until the write is done, as a write can still fail behind its
/// last row; what does not fit is counted only, for the write itself cannot be taken back then.
class WrittenRows final : public query::RowSink {
 public:
  WrittenRows(const Call& call, query::JsonRowOptions options, bool keep_rows)
      : max_bytes_(static_cast<std::size_t>(call.settings().max_buffered_bytes)),
        keep_rows_(keep_rows),
        json_(rows_, options),
        snake_case_keys_(options.snake_case_keys) {}

  void collect_resource_ids() { json_.collect_resource_ids(); }
  /// Before the first row; `grouping` outlives this.
  void group_by(const query::Grouping& grouping) {
    grouping_.emplace(json_, rows_, grouping, snake_case_keys_);
  }
  [[nodiscard]] query::GroupingSink* grouping() { return grouping_ ? &*grouping_ : nullptr; }
  void begin(const query::RowShape& shape, query::RowSource& source) override {
    if (grouping_) return grouping_->begin(shape, source);
    json_.begin(shape, source);
  }
  query::RowFlow row(std::span<const query::Cell> cells) override {
    if (rows_.size() >= max_bytes_) {
      cut_ = true;
      return query::RowFlow::more;
    }
    if (!grouping_ || grouping_->failure()) return json_.row(cells);
    // A row that cannot be grouped ends the grouping, never the write.
    static_cast<void>(grouping_->row(cells));
    return query::RowFlow::more;
  }
  bool restart() override {
    cut_ = false;
    return grouping_ ? grouping_->restart() : json_.restart();
  }

  /// The rows, comma separated; empty when none were asked for.
  [[nodiscard]] std::string_view rows() const { return keep_rows_ ? rows_.view() : std::string_view{}; }
  [[nodiscard]] std::int64_t count() const { return keep_rows_ ? json_.rows_written() : 0; }
  [[nodiscard]] std::string_view resource_ids() const { return json_.resource_ids().view(); }
  [[nodiscard]] bool cut() const { return cut_; }

 private:
  base::Buffer rows_;
  std::size_t max_bytes_;
  bool keep_rows_;
  bool cut_ = false;
  query::JsonRowSink json_;
  const bool snake_case_keys_;
  std::optional<query::GroupingSink> grouping_;
};

query::JsonRowOptions row_options(const Call& call, bool body_member) {
  return {strip_nulls(call, body_member), call.settings().force_camel_case_to_snake_case};
}

/// What the callers of all three writes do between parsing and replying.
struct Outcome {
  query::Summary summary;
  Meta meta;
};

base::Task<contract::Result<Outcome>> run(Call& call, Operation& operation, const query::Request& request,
                                          WrittenRows& rows) {
  // A caller that leaves does not stop a write, so nobody watches for it; an operator does.
  engines::Cancellation by_operator;
  const auto context = execution_context(call, operation, by_operator);
  auto summary = co_await operation.backend->query()->execute(request, rows, context);
  record(call, operation, summary);
  if (!summary) co_return with_deadline(call, operation, summary.error());
  Outcome outcome;
  outcome.summary = *summary;
  outcome.meta.returned_row_count = rows.count();
  outcome.meta.truncated = summary->truncated || rows.cut();
  outcome.meta.engine = operation.engine();
  outcome.meta.attempts = summary->attempts;
  if (operation.explain) outcome.meta.sql = &operation.sql;
  co_return outcome;
}

void append_string_member(base::Buffer& out, std::string_view key, std::string_view value) {
  out.push_back('"');
  out.append(key);
  out.append("\":");
  base::append_json_string(out, value);
}

void append_integer_member(base::Buffer& out, std::string_view key, std::int64_t value) {
  out.append(",\"");
  out.append(key);
  out.append("\":");
  base::append_integer(out, value);
}

/// The table as the caller wrote it.
std::string_view table_text(const query::Value& body) {
  const auto* table = body.find_present("table_name");
  if (table == nullptr) table = body.find_present("view_name");
  return table == nullptr ? std::string_view{} : table->text;
}

/// `post_processing` of an update. The rows are changed by now, so values that cannot be grouped leave it
/// null and are told in `notice`: a failure would make the caller change them again.
void append_groups(base::Buffer& out, query::GroupingSink& grouping, std::string& notice) {
  base::Buffer groups;
  if (!grouping.failure()) grouping.append_grouped(groups);
  out.append(R"(,"post_processing":)");
  if (grouping.failure()) {
    out.append("null");
    notice = "The rows were changed, but not grouped: " + grouping.failure()->text();
  } else {
    out.append(groups.view());
    notice = grouping.notice();
  }
}

/// Parses with `parse` and goes on to stage 10, for the table that the body names; the request, or nothing
/// when a failure was sent.
template <class Parse>
base::Task<std::optional<query::Request>> prepare(Call& call, Operation& operation, Routing routing,
                                                  Parse parse) {
  auto begun = co_await begin(call, operation);
  if (!begun) {
    call.fail(begun.error());
    co_return std::nullopt;
  }
  auto parsed = parse(operation.parse_context(call));
  std::optional<Error> refusal;
  query::Target target;
  if (parsed) {
    target = parsed->target;
  } else {
    const auto named = query::parse_table_name(*operation.body, operation.parse_context(call));
    if (!named || !belongs_to_stage_8(parsed.error())) {
      call.fail(parsed.error());
      co_return std::nullopt;
    }
    target = *named;
    refusal = parsed.error();
  }
  routing.table = &target;
  auto routed = route(call, operation, routing, refusal);
  if (!routed && call.direct_pending) {
    routed = co_await open_direct(call, operation.deadline);
    if (routed) routed = route(call, operation, routing, refusal);
  }
  if (!routed) {
    call.fail(routed.error());
    co_return std::nullopt;
  }
  co_return query::Request(std::move(*parsed));
}

}  // namespace

base::Task<void> insert(Call& call) {
  Operation operation;
  auto request = co_await prepare(call, operation, {.audited = true, .verb = auth::Verb::write},
                                  [&operation](const query::ParseContext& context) {
                                    return query::parse_insert(*operation.body, context);
                                  });
  if (!request) co_return;
  const auto& insert = std::get<query::Insert>(*request);
  const bool keep_rows = !insert.head && !insert.return_nothing;
  WrittenRows rows(call, row_options(call, false), keep_rows);
  rows.collect_resource_ids();
  auto outcome = co_await run(call, operation, *request, rows);
  if (!outcome) {
    call.fail(outcome.error());
    co_return;
  }
  auto& out = call.exchange.response().body;
  out.append(R"({"status":"success","message":"Data inserted successfully","data":)");
  if (insert.array_input) {
    out.push_back('[');
    out.append(rows.rows());
    out.push_back(']');
  } else {
    out.append(rows.rows().empty() ? std::string_view("null") : rows.rows());
  }
  append_integer_member(out, "count", outcome->summary.rows_affected);
  append_integer_member(out, "affected_rows", outcome->summary.rows_affected);
  out.append(R"(,"resource_id":)");
  const auto ids = rows.resource_ids();
  if (insert.array_input && (!ids.empty() || outcome->summary.rows_affected == 0)) {
    out.push_back('[');
    out.append(ids);
    out.push_back(']');
  } else {
    out.append(ids.empty() ? std::string_view("null") : ids);
  }
  out.push_back(',');
  append_string_member(out, "table_name", table_text(*operation.body));
  out.append(R"(,"success":true,)");
  append_meta(out, call, outcome->meta);
  out.push_back('}');
}

base::Task<void> update(Call& call) {
  Operation operation;
  query::ReadOptions options;
  auto request =
      co_await prepare(call, operation, {.verb = auth::Verb::write}, [&](const query::ParseContext& context) {
        return query::parse_update(*operation.body, context, options);
      });
  if (!request) co_return;
  const auto& update = std::get<query::Update>(*request);
  WrittenRows rows(call, row_options(call, options.strip_nulls), !update.head && !update.return_nothing);
  if (options.grouping) rows.group_by(*options.grouping);
  auto outcome = co_await run(call, operation, *request, rows);
  if (!outcome) {
    call.fail(outcome.error());
    co_return;
  }
  auto& out = call.exchange.response().body;
  out.append(R"({"status":"success","message":"Data updated successfully","data":[)");
  out.append(rows.rows());
  out.push_back(']');
  append_integer_member(out, "count", outcome->summary.rows_affected);
  append_integer_member(out, "affected_rows", outcome->summary.rows_affected);
  out.push_back(',');
  append_string_member(out, "table_name", table_text(*operation.body));
  std::string notice;
  if (auto* grouping = rows.grouping(); grouping != nullptr) {
    append_groups(out, *grouping, notice);
    if (!notice.empty()) outcome->meta.notices = {&notice, 1};
  }
  out.push_back(',');
  append_meta(out, call, outcome->meta);
  out.push_back('}');
}

base::Task<void> remove(Call& call) {
  Operation operation;
  auto request = co_await prepare(call, operation, {.audited = true, .verb = auth::Verb::remove},
                                  [&operation](const query::ParseContext& context) {
                                    return query::parse_delete(*operation.body, context);
                                  });
  if (!request) co_return;
  const auto& removal = std::get<query::Delete>(*request);
  WrittenRows rows(call, row_options(call, false), removal.return_rows);
  auto outcome = co_await run(call, operation, *request, rows);
  if (!outcome) {
    call.fail(outcome.error());
    co_return;
  }
  auto& out = call.exchange.response().body;
  out.append(R"({"status":"success","message":"Data deleted successfully","data":)");
  const auto append_target = [&] {
    append_string_member(out, "table_name", table_text(*operation.body));
    if (removal.resource_id != nullptr) {
      out.append(R"(,"resource_id":)");
      base::append_json(out, *removal.resource_id);
    }
  };
  if (operation.shape == Shape::rows) {
    out.push_back('{');
    append_target();
    if (removal.return_rows) {
      out.append(R"(,"rows":[)");
      out.append(rows.rows());
      out.push_back(']');
    }
    out.push_back('}');
  } else {
    out.push_back('[');
    out.append(rows.rows());
    out.append("],");
    append_target();
  }
  append_integer_member(out, "count", outcome->summary.rows_affected);
  append_integer_member(out, "affected_rows", outcome->summary.rows_affected);
  out.push_back(',');
  append_meta(out, call, outcome->meta);
  out.push_back('}');
}

}  // namespace athena::api
