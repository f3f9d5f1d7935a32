#include <algorithm>

#include "api/direct.h"
#include "api/operation.h"
#include "api/query_string.h"
#include "api/row_output.h"
#include "api/url_parameters.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace athena::api {
namespace {

using contract::Error;
using contract::ErrorCode;
using Form = query::RowShape::Form;

/// What a function returns as the value of `data`: a list, or one object or value without brackets.
class FunctionRows final : public query::RowSink {
 public:
  FunctionRows(Call& call, query::JsonRowOptions options)
      : out_(call.exchange.response().body), rows_(out_, options), start_(out_.size()) {
    stream_rows(call, rows_);
  }
  void begin(const query::RowShape& shape, query::RowSource& source) override {
    out_.truncate(start_);
    form_ = shape.form;
    begun_ = true;
    if (is_list()) {
      out_.push_back('[');
    } else {
      rows_.limit_rows(1);
    }
    rows_.begin(shape, source);
  }
  query::RowFlow row(std::span<const query::Cell> cells) override { return rows_.row(cells); }
  bool restart() override {
    if (!rows_.restart()) return false;
    out_.truncate(start_);
    begun_ = false;
    return true;
  }
  void end() {
    if (is_list()) {
      out_.append(begun_ ? "]" : "[]");
    } else if (rows_.rows_written() == 0) {
      out_.append("null");
    }
  }
  [[nodiscard]] query::JsonRowSink& rows() { return rows_; }

 private:
  [[nodiscard]] bool is_list() const { return form_ == Form::rows || form_ == Form::values; }

  base::Buffer& out_;
  query::JsonRowSink rows_;
  const std::size_t start_;
  Form form_ = Form::rows;
  bool begun_ = false;
};

/// The name in the path, decoded into the request's memory; empty when the route has none.
contract::Result<std::string_view> path_function(Call& call) {
  if (call.match.parameter_count == 0) return std::string_view{};
  const auto decoded = percent_decode(call.match.parameters[0].value, false);
  if (!decoded || !base::is_utf8(*decoded)) {
    return Error(ErrorCode::invalid_identifier, "The name of the function has a broken percent escape.");
  }
  auto* copy = static_cast<char*>(call.exchange.memory().allocate(decoded->size() + 1, 1));
  decoded->copy(copy, decoded->size());
  return std::string_view(copy, decoded->size());
}

std::vector<std::string_view> argument_names(std::span<const query::FunctionSignature> signatures) {
  std::vector<std::string_view> names;
  for (const auto& signature : signatures) {
    for (const auto& name : signature.argument_names) {
      if (!name.empty()) names.push_back(name);
    }
  }
  return names;
}

/// The request as it came: a body, or the parameters of a GET.
struct Input {
  std::string_view function;  ///< of the path
  bool is_get = false;
  QueryString parameters;
};

contract::Result<query::FunctionCall> parse(Call& call, const Operation& operation, const Input& input,
                                            std::span<const query::FunctionSignature> signatures) {
  const auto names = argument_names(signatures);
  auto context = operation.parse_context(call);
  context.max_rows = operation.max_rows(call);
  if (!input.is_get) return query::parse_function_call(input.function, *operation.body, names, context);
  return query::parse_function_url(input.function, url_parameters(input.parameters), names, context);
}

/// Up to the parsed call and its engine; nothing when a failure was sent.
base::Task<contract::Result<query::FunctionCall>> prepare(Call& call, Operation& operation, Input& input) {
  static constexpr query::Value kNoBody{.kind = query::Value::Kind::object};
  const auto method = call.request().method;
  input.is_get = method == http::Method::get || method == http::Method::head;
  if (input.is_get) {
    if (auto begun = begin_without_body(call, operation); !begun) co_return begun.error();
    operation.body = &kNoBody;
    auto parameters = QueryString::parse(call.request().query);
    if (!parameters) co_return parameters.error();
    input.parameters = std::move(*parameters);
  } else {
    auto begun = co_await begin(call, operation);
    if (!begun) co_return begun.error();
  }
  auto function = path_function(call);
  if (!function) co_return function.error();
  input.function = *function;
  const auto target =
      query::parse_function_name(input.function, *operation.body, operation.parse_context(call));
  if (!target) co_return target.error();
  const Routing routing;
  auto routed = route(call, operation, routing);
  if (!routed && call.direct_pending) {
    routed = co_await open_direct(call, operation.deadline);
    if (routed) routed = route(call, operation, routing);
  }
  if (!routed) co_return routed.error();
  auto* functions = operation.backend->functions();
  if (functions == nullptr) co_return feature_missing(*operation.client, "rpc");
  std::string schema(target->schema);
  if (input.is_get && schema.empty()) schema = input.parameters.find("schema").value_or("");
  auto signatures =
      co_await functions->signatures(std::move(schema), std::string(target->table), operation.deadline);
  if (!signatures) co_return with_deadline(call, operation, signatures.error());
  co_return parse(call, operation, input, *signatures);
}

void finish(Call& call, const Operation& operation, const query::FunctionCall& function,
            const query::Summary& summary) {
  auto& out = call.exchange.response().body;
  if (function.count != query::CountMode::none && summary.total) {
    out.append(R"(,"count":)");
    base::append_integer(out, *summary.total);
  }
  out.append(R"(,"message":"Function executed",)");
  Meta meta = meta_of(summary, operation.engine());
  meta.next_offset = next_offset(function.page, summary);
  if (operation.explain) meta.sql = &operation.sql;
  append_meta(out, call, meta);
  out.push_back('}');
}

}  // namespace

base::Task<void> call_function(Call& call) {
  Operation operation;
  Input input;
  auto function = co_await prepare(call, operation, input);
  if (!function) {
    call.fail(function.error());
    co_return;
  }
  // With the name in the path, a body may be the arguments themselves.
  const bool is_argument = std::ranges::any_of(
      function->arguments, [](const auto& argument) { return argument.name == "strip_nulls"; });
  contract::Result<bool> strips = false;
  if (!input.is_get && !is_argument) strips = strip_nulls_member(*operation.body);
  if (!strips) {
    call.fail(strips.error());
    co_return;
  }
  call.exchange.response().body.append(R"({"status":"success","data":)");
  FunctionRows rows(call, {strip_nulls(call, *strips), call.settings().force_camel_case_to_snake_case});
  CallerWatch watch(call.exchange);
  const auto context = execution_context(call, operation, watch.cancellation());
  auto summary = co_await operation.backend->functions()->call(*function, rows, context);
  record(call, operation, summary);
  if (!summary && summary.error().code() == ErrorCode::method_not_allowed) {
    call.exchange.response().add_header("Allow", "POST, OPTIONS");
  }
  if (send_failure(call, operation, rows.rows(), summary)) co_return;
  rows.end();
  finish(call, operation, *function, *summary);
}

}  // namespace athena::api
