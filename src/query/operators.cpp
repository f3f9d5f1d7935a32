#include "query/operators.h"

#include <array>

namespace athena::query {
namespace {

using contract::ErrorCode;
using Kind = OperatorWord::Kind;

struct Word {
  std::string_view word;
  OperatorWord meaning;
};

constexpr OperatorWord compare(Operator op) {
  return {Kind::compare, op, false};
}

constexpr std::array<Word, 33> kWords = {{
    {"eq", compare(Operator::eq)},
    {"neq", compare(Operator::neq)},
    {"gt", compare(Operator::gt)},
    {"gte", compare(Operator::gte)},
    {"lt", compare(Operator::lt)},
    {"lte", compare(Operator::lte)},
    {"in", compare(Operator::in)},
    {"is", compare(Operator::is)},
    {"like", compare(Operator::like)},
    {"ilike", compare(Operator::ilike)},
    {"isdistinct", compare(Operator::isdistinct)},
    {"match", compare(Operator::match)},
    {"imatch", compare(Operator::imatch)},
    {"contains", compare(Operator::contains)},
    {"cs", compare(Operator::contains)},
    {"containedBy", compare(Operator::contained_by)},
    {"contained_by", compare(Operator::contained_by)},
    {"contained", compare(Operator::contained_by)},
    {"cd", compare(Operator::contained_by)},
    {"overlaps", compare(Operator::overlaps)},
    {"ov", compare(Operator::overlaps)},
    {"sl", compare(Operator::sl)},
    {"sr", compare(Operator::sr)},
    {"nxr", compare(Operator::nxr)},
    {"nxl", compare(Operator::nxl)},
    {"adj", compare(Operator::adj)},
    {"fts", compare(Operator::fts)},
    {"wfts", compare(Operator::fts)},
    {"plfts", compare(Operator::plfts)},
    {"phfts", compare(Operator::phfts)},
    {"or", {Kind::any_of, Operator::eq, false}},
    {"and", {Kind::all_of, Operator::eq, false}},
    {"not", {Kind::negation, Operator::eq, false}},
}};

constexpr std::size_t kMaxPatternBytes = 1024;

/// The first eight bytes of a word as one number, so that looking it up compares numbers.
constexpr std::uint64_t key_of(std::string_view word) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < 8 && i < word.size(); ++i) {
    key |= std::uint64_t{static_cast<unsigned char>(word[i])} << (8 * i);
  }
  return key;
}

constexpr std::array<std::uint64_t, kWords.size()> kKeys = [] {
  std::array<std::uint64_t, kWords.size()> keys{};
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = key_of(kWords[i].word);
  return keys;
}();

bool wrong_operand(ParseState& state, ErrorCode code, Operator op, const Path& path,
                   std::string_view expected) {
  return state.refuse(
      code, path, " must be " + std::string(expected) + " for the operator " + std::string(name(op)) + ".");
}

bool set_is_test(ParseState& state, const Value& value, const Path& path, IsTest& test) {
  struct Named {
    std::string_view name;
    IsTest test;
  };
  constexpr std::array<Named, 5> kTests = {{{"null", IsTest::null},
                                            {"not_null", IsTest::not_null},
                                            {"true", IsTest::true_},
                                            {"false", IsTest::false_},
                                            {"unknown", IsTest::unknown}}};
  if (value.is_null()) return test = IsTest::null, true;
  if (value.is_boolean()) return test = value.boolean ? IsTest::true_ : IsTest::false_, true;
  if (value.is_string()) {
    for (const auto& named : kTests) {
      if (named.name == value.text) return test = named.test, true;
    }
  }
  return wrong_operand(state, ErrorCode::invalid_value, Operator::is, path,
                       R"(null, true, false, "null", "not_null", "true", "false" or "unknown")");
}

bool check_list(ParseState& state, const Value& value, const Path& path) {
  if (!value.is_array())
    return wrong_operand(state, ErrorCode::invalid_payload, Operator::in, path, "an array");
  if (value.items.size() > static_cast<std::size_t>(state.settings().max_in_values)) {
    return state.too_large(path, "has more values than", value.items.size(), state.settings().max_in_values);
  }
  return true;  // whether an item may be an array or an object is a matter of the column
}

bool set_text_search(ParseState& state, const Value& value, const Path& path, Predicate& predicate) {
  if (value.is_string()) return true;
  if (!value.is_object()) {
    return wrong_operand(state, ErrorCode::invalid_payload, predicate.op, path,
                         "a string or {query, config}");
  }
  const Path query_path = path.member("query");
  const Value* query = value.find_present("query");
  if (query == nullptr) return state.missing(query_path);
  if (!query->is_string()) return state.wrong_type(query_path, "a string");
  predicate.value = query;
  const Value* config = value.find_present("config");
  if (config == nullptr) return true;
  const Path config_path = path.member("config");
  if (!config->is_string()) return state.wrong_type(config_path, "a string");
  predicate.text_search_config = config->text;
  return state.check_identifier(config->text, config_path);
}

}  // namespace

const OperatorWord* known_operator(std::string_view word) {
  const std::uint64_t key = key_of(word);
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    if (kKeys[i] == key && kWords[i].word == word) return &kWords[i].meaning;
  }
  return nullptr;
}

bool find_operator(ParseState& state, std::string_view word, const Path& path, OperatorWord& out) {
  constexpr std::string_view kNegation = "not.";
  const bool negated = word.starts_with(kNegation);
  const std::string_view bare = negated ? word.substr(kNegation.size()) : word;
  if (const OperatorWord* known = known_operator(bare); known != nullptr) {
    out = *known;
    out.negated = negated;
    return true;
  }
  return state.refuse(ErrorCode::invalid_operator, path, " is the unknown operator " + shown(word) + ".");
}

bool set_operand(ParseState& state, Operator op, const Value& value, const Path& path, Predicate& predicate) {
  predicate.op = op;
  predicate.value = &value;
  switch (op) {
    case Operator::eq:
    case Operator::neq:
    case Operator::isdistinct:
      if (value.is_object()) {
        return wrong_operand(state, ErrorCode::invalid_value, op, path,
                             "a string, a number, a boolean or null");
      }
      return true;
    case Operator::gt:
    case Operator::gte:
    case Operator::lt:
    case Operator::lte:
      if (value.is_null() || value.is_array() || value.is_object()) {
        return wrong_operand(state, ErrorCode::invalid_value, op, path, "a string, a number or a boolean");
      }
      return true;
    case Operator::is:
      return set_is_test(state, value, path, predicate.is_test);
    case Operator::in:
      return check_list(state, value, path);
    default:
      break;
  }
  // All others compare with something, which NULL is not; but json has a null that can be contained.
  const bool any_json = op == Operator::contains || op == Operator::contained_by;
  if (value.is_null() && !any_json)
    return wrong_operand(state, ErrorCode::invalid_value, op, path, "a value, not null,");
  switch (op) {
    case Operator::like:
    case Operator::ilike:
    case Operator::match:
    case Operator::imatch:
      if (!value.is_string()) return wrong_operand(state, ErrorCode::invalid_payload, op, path, "a string");
      if ((op == Operator::match || op == Operator::imatch) && value.text.size() > kMaxPatternBytes) {
        return wrong_operand(state, ErrorCode::invalid_value, op, path, "at most 1024 bytes");
      }
      return true;
    case Operator::overlaps:
      if (value.is_string() || value.is_array()) return true;
      return wrong_operand(state, ErrorCode::invalid_payload, op, path, "an array or the text of a range");
    case Operator::sl:
    case Operator::sr:
    case Operator::nxr:
    case Operator::nxl:
    case Operator::adj:
      if (value.is_string()) return true;
      return wrong_operand(state, ErrorCode::invalid_payload, op, path, "the text of a range");
    case Operator::fts:
    case Operator::plfts:
    case Operator::phfts:
      return set_text_search(state, value, path, predicate);
    default:
      return true;  // contains and containedBy take any JSON
  }
}

}  // namespace athena::query
