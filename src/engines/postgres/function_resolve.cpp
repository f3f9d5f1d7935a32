#include "engines/postgres/function_resolve.h"

#include <algorithm>
#include <string>
#include <vector>

namespace athena::postgres {
namespace {

using contract::Error;
using contract::ErrorCode;
using query::FunctionCall;
using Form = query::RowShape::Form;

// A hint names no more signatures than a reader takes in.
constexpr std::size_t kSignaturesInHint = 5;

bool is_given(const FunctionCall& call, std::string_view name) {
  return std::ranges::any_of(call.arguments, [name](const auto& given) { return given.name == name; });
}

bool fits(const FunctionOverload& overload, const FunctionCall& call) {
  const auto& arguments = overload.arguments;
  const bool all_known = std::ranges::all_of(call.arguments, [&](const auto& given) {
    return !given.name.empty() &&
           std::ranges::find(arguments, given.name, &FunctionArgument::name) != arguments.end();
  });
  return all_known && std::ranges::all_of(arguments, [&](const FunctionArgument& argument) {
           return argument.has_default || (!argument.name.empty() && is_given(call, argument.name));
         });
}

Error with_signatures(ErrorCode code, std::string text, const FunctionSet& set,
                      std::span<const FunctionOverload* const> candidates) {
  const auto& head = set.overloads.front().result;
  std::vector<std::string> signatures;
  for (const auto* overload : candidates) signatures.push_back(overload->signature.text);
  std::string hint = signatures.size() == 1 ? "Its signature is " : "Signatures: ";
  for (std::size_t i = 0; i < std::min(signatures.size(), kSignaturesInHint); ++i) {
    if (i > 0) hint.append(", ");
    hint.append(signatures[i]);
  }
  hint.append(signatures.size() > kSignaturesInHint ? ", …" : ".");
  Error error(code, std::move(text));
  error.with("function", std::string_view(head.name)).with("schema", std::string_view(head.schema));
  error.with("candidates", std::span<const std::string>(signatures));
  return std::move(error).hint(std::move(hint));
}

std::string described(const FunctionSet& set, const FunctionCall& call) {
  const auto& head = set.overloads.front().result;
  std::string text = "Function \"" + head.schema + "." + head.name + "\"";
  if (call.arguments.empty()) return text + " without arguments";
  text.append(" with the arguments ");
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    if (i > 0) text.append(", ");
    text.append(call.arguments[i].name);
  }
  return text;
}

bool asks_for_page(const query::Page& page) {
  return (page.limit && !page.default_limit) || page.offset > 0 || page.stable_order;
}

/// The member that a result of this form does not have; empty = none.
std::string_view unusable_member(const FunctionOverload& overload, const FunctionCall& call) {
  if (overload.form == Form::values && call.columns.size() > 1) return "select";
  if (overload.form != Form::value) return {};
  if (!call.columns.empty()) return "select";
  if (!call.conditions.empty()) return "filters";
  if (!call.sort.empty()) return "order";
  return asks_for_page(call.page) ? "limit" : std::string_view();
}

}  // namespace

contract::Result<const FunctionOverload*> choose_overload(const FunctionSet& set, const FunctionCall& call) {
  std::vector<const FunctionOverload*> all, fitting, callable;
  for (const auto& overload : set.overloads) {
    all.push_back(&overload);
    if (!fits(overload, call)) continue;
    fitting.push_back(&overload);
    if (!overload.polymorphic) callable.push_back(&overload);
  }
  if (fitting.empty())
    return with_signatures(ErrorCode::undefined_function, described(set, call) + " does not exist.", set,
                           all);
  if (callable.empty()) {
    return with_signatures(ErrorCode::undefined_function,
                           described(set, call) +
                               " takes values of any type, so a value from outside has no type for it; wrap "
                               "it in a function with types.",
                           set, fitting);
  }
  if (callable.size() > 1) {
    return with_signatures(
        ErrorCode::ambiguous_function,
        described(set, call) + " could be any of " + std::to_string(callable.size()) + " functions.", set,
        callable);
  }
  const FunctionOverload& chosen = *callable.front();
  if (const auto member = unusable_member(chosen, call); !member.empty()) {
    return Error(ErrorCode::invalid_payload,
                 "Function \"" + chosen.result.schema + "." + chosen.result.name + "\" returns " +
                     (chosen.form == Form::values
                          ? "values, so select names one column at most."
                          : "one value, so " + std::string(member) + " cannot be applied to its result."))
        .with("member", member);
  }
  return &chosen;
}

}  // namespace athena::postgres
