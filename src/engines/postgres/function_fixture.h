#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "engines/postgres/test_support.h"

/// Calls of functions, counts and discovery against a real server.
namespace athena::postgres::testing {

using namespace std::chrono_literals;

/// Keeps a result as text: its form, its columns, its rows as arrays of JSON.
class FormSink final : public query::RowSink {
 public:
  void begin(const query::RowShape& shape, query::RowSource&) override {
    form = shape.form;
    columns.clear();
    for (const auto& column : shape.columns)
      columns += (columns.empty() ? "" : ",") + std::string(column.name);
    ++begins;
  }
  query::RowFlow row(std::span<const query::Cell> cells) override {
    base::Buffer line;
    line.push_back('[');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) line.push_back(',');
      if (cells[i].format == nullptr) {
        line.append("null");
      } else {
        query::append_cell(line, cells[i].text, *cells[i].format);
      }
    }
    line.push_back(']');
    rows.append(line.view());
    return query::RowFlow::more;
  }
  bool restart() override {
    rows.clear();
    return true;
  }
  query::RowShape::Form form = query::RowShape::Form::rows;
  std::string columns, rows;
  int begins = 0;
};

struct CallAnswer : Answer {
  query::RowShape::Form form = query::RowShape::Form::rows;
  std::string columns;
};

/// Runs a task on a shard, to its end.
template <class Start>
auto run_on(Gateway& gateway, unsigned shard, Start start) {
  using Result = typename std::invoke_result_t<Start, engines::Backend&>::value_type;
  auto* const backend = gateway.backends[shard].get();
  return base::asio::co_spawn(
             gateway.shard(shard).context().get_executor(),
             [start = std::move(start), backend]() -> base::Task<Result> {
               auto result = co_await start(*backend);
               co_return result;
             },
             base::asio::use_future)
      .get();
}

struct CallOptions {
  bool read_only = false, head = false, count = false;
  unsigned shard = 0;
  std::chrono::milliseconds timeout{10000};
};

/// Calls `function`; `body` holds `args` and, as a fetch has them, columns, conditions, sort_by, limit,
/// offset.
inline CallAnswer call(Gateway& gateway, std::string function, std::string body = "{}",
                       CallOptions options = {}) {
  return run_on(gateway, options.shard,
                [&gateway, function = std::move(function), body = std::move(body),
                 options](engines::Backend& backend) -> base::Task<CallAnswer> {
                  CallAnswer answer;
                  std::pmr::monotonic_buffer_resource memory;
                  const std::string text = R"({"table_name":"t",)" + body.substr(1, std::string::npos);
                  const std::string whole = body == "{}" ? R"({"table_name":"t"})" : text;
                  auto parsed_body = query::parse_body(whole, memory);
                  if (!parsed_body) {
                    answer.error = parsed_body.error();
                    co_return answer;
                  }
                  const query::ParseContext context{memory, gateway.settings, gateway.settings.max_rows};
                  query::ReadOptions read;
                  auto select = query::parse_select(**parsed_body, context, read);
                  if (!select) {
                    answer.error = select.error();
                    co_return answer;
                  }
                  query::FunctionCall call;
                  const auto dot = function.find('.');
                  const std::string_view name = function;
                  if (dot == std::string::npos) {
                    call.function = {{}, name};
                  } else {
                    call.function = {name.substr(0, dot), name.substr(dot + 1)};
                  }
                  if (const auto* arguments = (*parsed_body)->find_present("args")) {
                    for (const auto& member : arguments->members) call.arguments.push_back(member);
                  }
                  call.columns = std::move(select->columns);
                  call.conditions = std::move(select->conditions);
                  call.sort = std::move(select->sort);
                  call.page = select->page;
                  call.count = options.count ? query::CountMode::exact : query::CountMode::none;
                  call.head = options.head;
                  call.read_only = options.read_only;
                  FormSink sink;
                  const engines::ExecutionContext execution{base::Deadline::in(options.timeout),
                                                            memory,
                                                            gateway.settings.max_rows,
                                                            false,
                                                            nullptr,
                                                            &answer.sql};
                  auto ran = co_await backend.functions()->call(call, sink, execution);
                  if (ran) {
                    answer.summary = *ran;
                  } else {
                    answer.error = ran.error();
                  }
                  answer.form = sink.form;
                  answer.columns = sink.columns;
                  answer.rows = sink.rows;
                  co_return answer;
                });
}

}  // namespace athena::postgres::testing
