#include "engines/sql/refusals.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "contract/capability.h"
#include "engines/sql/compiler.h"

namespace athena::sql {
namespace {

using contract::Error;
using contract::ErrorCode;

std::string quoted(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

std::string_view alternative(std::string_view feature) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kAlternatives{{
      {"operator.match", "Use operator like or ilike with % and _."},
      {"operator.imatch", "Use operator ilike with % and _."},
      {"operator.fts", "Use operator ilike with % around each word."},
      {"operator.plfts", "Use operator ilike with % around each word."},
      {"operator.phfts", "Use operator ilike with % around the phrase."},
      {"operator.sl", "Keep the bounds in two columns and compare them with lt and gt."},
      {"operator.sr", "Keep the bounds in two columns and compare them with lt and gt."},
      {"operator.nxr", "Keep the bounds in two columns and compare them with lte."},
      {"operator.nxl", "Keep the bounds in two columns and compare them with gte."},
      {"operator.adj", "Keep the bounds in two columns and compare them with eq."},
      {"update.limit", "Choose the rows by conditions, or give the table a primary key."},
      {"delete.limit", "Choose the rows by conditions, or give the table a primary key."},
      {"count.planned", "Ask for an exact count."},
      {"count.estimated", "Ask for an exact count."},
      {"schema_name", "Leave schema_name out; this engine has one schema."},
  }};
  for (const auto& [name, text] : kAlternatives) {
    if (name == feature) return text;
  }
  return "Use a client of an engine that has this feature.";
}

}  // namespace

Error feature_refused(contract::Engine engine, std::string_view feature) {
  const auto has = contract::engine_capabilities(engine).names();
  Error error(ErrorCode::capability_not_supported, "The engine " + std::string(contract::name(engine)) +
                                                       " does not support " + std::string(feature) +
                                                       " here.");
  error.with("engine", contract::name(engine)).with("requires", feature);
  error.with("has", std::span<const std::string>(has)).with("alternative", alternative(feature));
  return std::move(error).hint(std::string(alternative(feature)));
}

Error undefined_column(const Table& table, std::string_view name) {
  std::vector<std::string_view> names;
  names.reserve(table.columns.size());
  for (const auto& column : table.columns) names.emplace_back(column.name);
  const auto suggestions = contract::near_names(name, names);
  Error error(ErrorCode::undefined_column,
              "Column " + quoted(name) + " does not exist in table " + quoted(table.name) + ".");
  error.with("column", name).with("table", std::string_view(table.name));
  error.with("suggestions", std::span<const std::string>(suggestions));
  return std::move(error).hint(contract::did_you_mean(suggestions));
}

Error value_does_not_fit(std::string_view column, const Type& type) {
  const std::string kind = type.name.empty() ? "value" : type.name;
  return bad_value(column, "The value for column " + quoted(column) + " is not a valid " + kind + ".");
}

Error bad_value(std::string_view column, std::string text) {
  Error error(ErrorCode::invalid_value, std::move(text));
  error.with("column", column);
  return error;
}

Error operator_unusable(const query::Predicate& predicate, std::string_view column, const Type& type) {
  const std::string kind = type.name.empty() ? std::string() : " of type " + type.name;
  Error error(ErrorCode::invalid_operator, "Operator " + std::string(query::name(predicate.op)) +
                                               " cannot be used on column " + quoted(column) + kind + ".");
  error.with("column", column);
  if (!predicate.member.empty()) error.with("member", predicate.member);
  return error;
}

Error operator_takes(const query::Predicate& predicate, std::string_view column, std::string_view what) {
  Error error = bad_value(column, "Operator " + std::string(query::name(predicate.op)) + " on column " +
                                      quoted(column) + " takes " + std::string(what) + ".");
  if (!predicate.member.empty()) error.with("member", predicate.member);
  return error;
}

Error unknown_cast(std::string_view cast) {
  return Error(ErrorCode::invalid_identifier, "Type " + quoted(cast) + " of a cast is not known.");
}

}  // namespace athena::sql
