#pragma once

#include <deque>
#include <memory_resource>
#include <string>
#include <string_view>

#include "query/parse.h"

// For the tests of the parser: bodies in, requests as one line of text out.

namespace athena::query::test {

inline std::string json(const Value& value) {
  base::Buffer out;
  base::append_json(out, value);
  return std::string(out.view());
}

inline std::string dump(const ColumnRef& column) {
  std::string text(column.name);
  for (const auto& step : column.path) {
    text += step.as_text ? "->>" : "->";
    text += step.is_index ? "#" : "";
    text += step.key;
  }
  if (!column.cast.empty()) text += "::" + std::string(column.cast);
  return text;
}

inline std::string dump(const Target& target) {
  return (target.schema.empty() ? "" : std::string(target.schema) + "|") + std::string(target.table);
}

inline std::string dump(const List<Projection>& columns) {
  std::string text;
  for (const auto& entry : columns) {
    if (!text.empty()) text += ", ";
    if (!entry.alias.empty()) text += std::string(entry.alias) + ":";
    text += entry.all ? "*" : dump(entry.column);
  }
  return text;
}

inline std::string_view name(IsTest test) {
  switch (test) {
    case IsTest::null:
      return "null";
    case IsTest::not_null:
      return "not_null";
    case IsTest::true_:
      return "true";
    case IsTest::false_:
      return "false";
    case IsTest::unknown:
      return "unknown";
  }
  return {};
}

inline std::string dump(const Predicate& predicate) {
  std::string text = predicate.negated ? "not " : "";
  if (predicate.kind != Predicate::Kind::compare) {
    std::string inside;
    for (const auto& child : predicate.children) {
      if (!inside.empty()) inside += predicate.kind == Predicate::Kind::any_of ? " or " : " and ";
      inside += dump(child);
    }
    return text + "(" + inside + ")";
  }
  text += dump(predicate.column) + " " + std::string(query::name(predicate.op));
  if (!predicate.text_search_config.empty()) text += "(" + std::string(predicate.text_search_config) + ")";
  text += " ";
  text += predicate.op == Operator::is ? std::string(name(predicate.is_test)) : json(*predicate.value);
  if (!predicate.value_cast.empty()) text += "::" + std::string(predicate.value_cast);
  return text;
}

inline std::string dump(const List<Predicate>& conditions) {
  std::string text;
  for (const auto& condition : conditions) text += (text.empty() ? "" : " and ") + dump(condition);
  return text;
}

inline std::string dump(const List<SortTerm>& sort) {
  std::string text;
  for (const auto& term : sort) {
    if (!text.empty()) text += ", ";
    text += dump(term.column) + (term.descending ? " desc" : " asc");
    if (term.nulls == SortTerm::Nulls::first) text += " nullsfirst";
    if (term.nulls == SortTerm::Nulls::last) text += " nullslast";
  }
  return text;
}

inline std::string dump(const Page& page) {
  std::string text = page.limit ? "limit " + std::to_string(*page.limit) : "no limit";
  text += " offset " + std::to_string(page.offset);
  if (page.default_limit) text += " default";
  if (page.stable_order) text += " stable";
  return text;
}

inline std::string dump(const List<Assignment>& assignments) {
  std::string text;
  for (const auto& assignment : assignments) {
    text += (text.empty() ? "" : ", ") + std::string(assignment.column) + "=" + json(*assignment.value);
  }
  return text;
}

inline std::string dump(const List<const Value*>& rows) {
  std::string text;
  for (const auto* row : rows) text += (text.empty() ? "" : " ") + json(*row);
  return text;
}

/// `code member: text` of a refusal.
inline std::string dump(const contract::Error& error) {
  std::string text(contract::info(error.code()).name);
  for (const auto& detail : error.details()) {
    if (detail.name != "position" && detail.name != "line") text += " " + detail.name + "=" + detail.json;
  }
  return text + ": " + error.text();
}

/// Parses bodies; what it gives lives as long as it does.
class Parser {
 public:
  contract::GatewaySettings settings;
  std::int64_t max_rows = 10000;
  bool stream = false;
  ReadOptions options;

  const Value& body(std::string_view text) {
    auto parsed = parse_body(texts_.emplace_back(text), memory_);
    if (!parsed) throw std::invalid_argument(parsed.error().text());
    return **parsed;
  }
  contract::Result<Select> select(std::string_view text) {
    return parse_select(body(text), context(), options);
  }
  contract::Result<Insert> insert(std::string_view text) { return parse_insert(body(text), context()); }
  contract::Result<Update> update(std::string_view text) {
    return parse_update(body(text), context(), options);
  }
  contract::Result<Delete> remove(std::string_view text) { return parse_delete(body(text), context()); }
  [[nodiscard]] ParseContext context() { return {memory_, settings, max_rows, stream}; }
  std::pmr::memory_resource& memory() { return memory_; }

 private:
  std::deque<std::string> texts_;
  std::pmr::monotonic_buffer_resource memory_;
};

/// One part of a fetch, or its refusal.
template <class Part>
std::string fetch_part(Parser& parser, const std::string& members, Part part) {
  auto result = parser.select(R"({"table_name":"t",)" + members + "}");
  return result ? dump((*result).*part) : dump(result.error());
}

}  // namespace athena::query::test
