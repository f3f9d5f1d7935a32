#include "query/url_values.h"

#include <algorithm>
#include <memory>
#include <new>

namespace athena::query {
namespace {

const Value* make(ParseState& state, Value value) {
  return new (state.allocate<Value>(1)) Value(value);
}

}  // namespace

const Value* url_text(ParseState& state, std::string_view text) {
  return make(state, {.kind = Value::Kind::string, .text = text});
}

const Value* url_number(ParseState& state, std::string_view text, const Path& path) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    state.wrong_type(path, "a whole number");
    return nullptr;
  }
  return make(state, {.kind = Value::Kind::number, .text = text});
}

const Value* url_flag(ParseState& state, std::string_view text, const Path& path) {
  if (text == "true" || text == "false")
    return make(state, {.kind = Value::Kind::boolean, .boolean = text == "true"});
  state.wrong_type(path, "true or false");
  return nullptr;
}

const Value* url_object(ParseState& state, const List<JsonMember>& members) {
  auto* copy = state.allocate<JsonMember>(members.size());
  std::uninitialized_copy(members.begin(), members.end(), copy);
  return make(state, {.kind = Value::Kind::object, .members = {copy, members.size()}});
}

const Value* url_array(ParseState& state, const List<const Value*>& items) {
  auto** copy = state.allocate<const Value*>(items.size());
  std::copy(items.begin(), items.end(), copy);
  return make(state, {.kind = Value::Kind::array, .items = {copy, items.size()}});
}

}  // namespace athena::query
