#pragma once

#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/settings.h"
#include "engines/sql/compiler.h"
#include "query/parse.h"

/// For the tests of the dialects: request bodies in, SQL and values as one text out.
namespace athena::sql::testing {

/// What became of a body: `text` is one line per statement, values behind `  <- `; or the code of the error.
struct Compiled {
  std::string text;
  std::optional<contract::Error> error;
  bool transaction = false, reorder = false, extra_row = false, indexed_equality = false, is_write = false;
  std::int64_t row_limit = -1;
  std::vector<std::string> columns;  ///< of the first statement; hidden ones in brackets
  std::vector<std::uint16_t> resource_id;
  std::vector<std::vector<std::uint32_t>> input_rows;
  std::size_t statements = 0;

  [[nodiscard]] std::string code() const {
    return error ? std::string(contract::info(error->code()).name) : std::string("compiled: ") + text;
  }
  [[nodiscard]] std::string detail(std::string_view name) const {
    if (!error) return "no error";
    for (const auto& detail : error->details()) {
      if (detail.name == name) return detail.json;
    }
    return "absent";
  }
};

inline std::string show(const Bind& bind) {
  std::string text;
  switch (bind.kind) {
    case Bind::Kind::null:
      text = "NULL";
      break;
    case Bind::Kind::text:
      text = "'" + std::string(bind.text) + "'";
      break;
    case Bind::Kind::integer:
      text = "i" + std::string(bind.text);
      break;
    case Bind::Kind::real:
      text = "r" + std::string(bind.text);
      break;
    case Bind::Kind::blob:
      text = "b" + std::to_string(bind.text.size());
      break;
  }
  return bind.type_oid == 0 ? text : std::to_string(bind.type_oid) + ":" + text;
}

inline Compiled show(contract::Result<Plan> plan) {
  Compiled result;
  if (!plan) {
    result.error = plan.error();
    return result;
  }
  for (const auto& statement : plan->statements) {
    if (!result.text.empty()) result.text += "\n";
    result.text += statement.text;
    for (std::size_t i = 0; i < statement.binds.size(); ++i) {
      result.text += (i == 0 ? "  <- " : ", ") + show(statement.binds[i]);
    }
    result.input_rows.emplace_back(statement.input_rows.begin(), statement.input_rows.end());
  }
  if (!plan->statements.empty()) {
    const auto& first = plan->statements.front();
    for (const auto& column : first.columns) {
      result.columns.push_back(column.hidden ? "[" + std::string(column.name) + "]"
                                             : std::string(column.name));
    }
    result.resource_id.assign(first.resource_id.begin(), first.resource_id.end());
  }
  result.statements = plan->statements.size();
  result.transaction = plan->transaction;
  result.reorder = plan->reorder;
  result.extra_row = plan->extra_row;
  result.indexed_equality = plan->indexed_equality;
  result.is_write = plan->is_write;
  result.row_limit = plan->row_limit;
  return result;
}

/// One table and one dialect.
class Compile {
 public:
  Compile(const Dialect& dialect, TablePtr table) : dialect_(dialect), table_(std::move(table)) {}

  contract::GatewaySettings settings;

  Compiled run(const query::Request& request, std::pmr::memory_resource& memory) const {
    return show(compile(request, {dialect_, table_, memory, settings}));
  }
  Compiled select(std::string_view members) const {
    return parsed(members, [](const auto& body, const auto& context) {
      query::ReadOptions options;
      return query::parse_select(body, context, options);
    });
  }
  Compiled insert(std::string_view members) const {
    return parsed(members,
                  [](const auto& body, const auto& context) { return query::parse_insert(body, context); });
  }
  Compiled update(std::string_view members) const {
    return parsed(members, [](const auto& body, const auto& context) {
      query::ReadOptions options;
      return query::parse_update(body, context, options);
    });
  }
  Compiled remove(std::string_view members) const {
    return parsed(members,
                  [](const auto& body, const auto& context) { return query::parse_delete(body, context); });
  }

 private:
  template <class Parse>
  Compiled parsed(std::string_view members, Parse parse) const {
    std::pmr::monotonic_buffer_resource memory;
    const std::string text =
        "{\"table_name\":\"t\"" + std::string(members.empty() ? "" : ",") + std::string(members) + "}";
    auto body = query::parse_body(text, memory);
    if (!body) return failed(body.error());
    auto operation = parse(**body, query::ParseContext{memory, settings, settings.max_rows});
    if (!operation) return failed(operation.error());
    return run(query::Request(std::move(*operation)), memory);
  }
  static Compiled failed(const contract::Error& error) {
    Compiled result;
    result.error = error;
    return result;
  }

  const Dialect& dialect_;
  TablePtr table_;
};

inline Column column(std::string name, const Type* type, bool not_null = false) {
  Column result;
  result.name = std::move(name);
  result.type = type;
  result.not_null = not_null;
  return result;
}

inline void set_name(Table& table, std::string_view schema, std::string_view name) {
  table.schema = schema;
  table.name = name;
  std::pmr::string quoted;
  append_identifier(quoted, schema);
  quoted.push_back('.');
  append_identifier(quoted, name);
  table.quoted = quoted;
}

}  // namespace athena::sql::testing
