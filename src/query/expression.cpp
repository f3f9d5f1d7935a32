#include "query/expression.h"

#include <algorithm>
#include <array>
#include <new>

#include "query/comparison.h"
#include "query/expression_values.h"
#include "query/parse_parts.h"

namespace athena::query {
namespace {

using contract::ErrorCode;
using Kind = OperatorWord::Kind;

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::string_view kSpaces = " \t\r\n";
constexpr Value kNull;

/// Characters of names that need no quotes. All bytes beyond ASCII belong to letters, as in the databases.
constexpr std::array<bool, 256> kNameCharacters = [] {
  std::array<bool, 256> in{};
  for (std::size_t c = 0; c < in.size(); ++c) {
    in[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
            c == '$' || c >= 0x80;
  }
  return in;
}();

bool takes_list(Operator op) {
  return op == Operator::in || op == Operator::contains || op == Operator::contained_by ||
         op == Operator::overlaps;
}
bool is_equality(Operator op) {
  return op == Operator::eq || op == Operator::neq || op == Operator::isdistinct;
}
/// The text of a range may begin like a list.
bool takes_range(Operator op) {
  return op >= Operator::sl && op <= Operator::adj;
}
bool is_text_search(Operator op) {
  return op == Operator::fts || op == Operator::plfts || op == Operator::phfts;
}
bool takes_quantifier(Operator op) {
  switch (op) {
    case Operator::eq:
    case Operator::gt:
    case Operator::gte:
    case Operator::lt:
    case Operator::lte:
    case Operator::like:
    case Operator::ilike:
    case Operator::match:
    case Operator::imatch:
      return true;
    default:
      return false;
  }
}

/// Where a bare value ends.
enum class End : std::uint8_t { text, comma, group };

class ExpressionParser {
 public:
  ExpressionParser(ParseState& state, std::string_view text, const Path& path, std::string_view member)
      : state_(state), text_(text), path_(path), member_(member) {}

  bool terms(Kind kind, std::int64_t depth, Predicate& out) {
    reserve();
    return parse_terms(kind, End::comma, depth, out) && expect_end("a comma");
  }
  bool one_term(std::int64_t depth, Predicate& out) {
    reserve();
    return parse_term(End::text, depth, out) && expect_end("the end, for only one condition stands here,");
  }
  /// Everything behind the column, which `out` has already.
  bool condition(Predicate& out) { return parse_condition(End::text, out) && expect_end("the end"); }

 private:
  enum class Quantifier : std::uint8_t { none, any, all };

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  /// To a failure that is there already: where it lies.
  bool located(std::size_t index) {
    std::int64_t position = 1;
    for (std::size_t i = 0; i < index; ++i) {
      if ((static_cast<unsigned char>(text_[i]) & 0xC0U) != 0x80U) ++position;
    }
    return state_.at_position(position);
  }
  bool expected(std::size_t index, std::string_view what) {
    state_.refuse(ErrorCode::invalid_payload, path_,
                  " cannot be read: " + std::string(what) + " is expected " +
                      (index < text_.size() ? "before " + shown(text_.substr(index)) : "at the end") + ".");
    return located(index);
  }
  bool expect_end(std::string_view what) { return at_ == text_.size() || expected(at_, what); }

  /// Terms not yet moved into their group lie on a stack of their own, so that the number of allocations does
  /// not follow the number of terms. Each is preceded by a comma or by the beginning of its group.
  void reserve() {
    const auto& settings = state_.settings();
    const auto commas = static_cast<std::size_t>(std::count(text_.begin(), text_.end(), ','));
    const auto groups = static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '('));
    const auto most = [](std::int64_t setting) {
      return static_cast<std::size_t>(std::max<std::int64_t>(setting, 0));
    };
    capacity_ = std::min(commas, most(settings.max_conditions)) +
                std::min(groups, most(settings.max_expression_depth)) + 2;
    stack_ = state_.allocate<Predicate>(capacity_);
  }

  bool parse_terms(Kind kind, End end, std::int64_t depth, Predicate& out) {
    const std::size_t base = used_;
    do {
      if (used_ == capacity_) {
        return state_.too_large(path_, "has more conditions than", used_, state_.settings().max_conditions);
      }
      Predicate& term = *new (stack_ + used_++) Predicate;
      if (!parse_term(end, depth, term)) return false;
    } while (take(","));
    const std::size_t count = used_ - base;
    Predicate* children = stack_;
    if (base > 0) {  // the outermost group keeps the stack
      children = state_.allocate<Predicate>(count);
      std::uninitialized_copy_n(stack_ + base, count, children);
      used_ = base;
    }
    out.kind = kind == Kind::any_of ? Predicate::Kind::any_of : Predicate::Kind::all_of;
    out.children = {children, count};
    out.member = member_;
    return true;
  }

  bool parse_term(End end, std::int64_t depth, Predicate& out) {
    at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size());
    const bool negated = take("not.");
    Kind kind = Kind::compare;
    if (take("or(")) {
      kind = Kind::any_of;
    } else if (take("and(")) {
      kind = Kind::all_of;
    }
    if (kind == Kind::compare) {
      if (!parse_filter(end, out)) return false;
    } else {
      const std::size_t begin = at_;
      if (!check_depth(state_, depth + 1, path_)) return located(begin);
      if (!parse_terms(kind, End::group, depth + 1, out)) return false;
      if (!take(")")) return expected(at_, "a comma or )");
    }
    if (negated) out.negated = !out.negated;
    return true;
  }

  bool parse_filter(End end, Predicate& out) {
    const std::size_t begin = at_;
    if (!state_.count_term(path_)) return located(begin);
    if (!parse_column(out.column)) return false;
    if (!take(".")) return expected(at_, "a dot and an operator");
    return parse_condition(end, out);
  }

  bool read_name(std::string_view& name) {
    const std::size_t begin = at_;
    if (peek() == '"') {
      const std::size_t end = quoted_end(text_, at_);
      if (end == kNone) return expected(text_.size(), "a closing quote");
      at_ = end;
      name = unquoted(state_, text_.substr(begin, end - begin));
      return true;
    }
    while (at_ < text_.size() && kNameCharacters[static_cast<unsigned char>(text_[at_])]) ++at_;
    name = text_.substr(begin, at_ - begin);
    if (name.empty() || name.front() == '$') return expected(begin, "a name");
    return true;
  }

  bool parse_column(ColumnRef& column) {
    const std::size_t begin = at_;
    std::string_view name;
    if (!read_name(name)) return false;
    if (!state_.check_identifier(name, path_)) return located(begin);
    column.name = state_.column_name(name);
    return peek() != '-' || parse_json_path(begin, column);
  }

  bool parse_json_path(std::size_t begin, ColumnRef& column) {
    std::array<JsonStep, kMaxJsonSteps> steps;
    std::size_t count = 0;
    while (take("->")) {
      if (count == steps.size()) {
        state_.too_large(path_, "has a JSON path of more steps than", count + 1, kMaxJsonSteps);
        return located(begin);
      }
      JsonStep& step = steps[count++];
      step.as_text = take(">");
      if (!read_name(step.key)) return false;
    }
    return set_column_path(state_, {steps.data(), count}, path_, column) || located(begin);
  }

  bool parse_condition(End end, Predicate& out) {
    const bool negated = take("not.");
    const std::size_t begin = at_;
    while (at_ < text_.size() && kNameCharacters[static_cast<unsigned char>(text_[at_])]) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    const OperatorWord* known = known_operator(word);
    if (known == nullptr || known->kind != Kind::compare) {
      state_.refuse(ErrorCode::invalid_operator, path_,
                    known == nullptr
                        ? " has the unknown operator " + shown(word) + "."
                        : " uses " + shown(word) + " behind a column, where it combines nothing.");
      return located(begin);
    }
    Quantifier quantifier = Quantifier::none;
    if (peek() == '(' && !parse_modifier(known->op, quantifier, out)) return false;
    if (!take(".")) return expected(at_, "a dot and a value");
    out.text_form = true;
    out.member = member_;
    const bool parsed = quantifier == Quantifier::none ? parse_value(end, known->op, out)
                                                       : parse_quantified(end, known->op, quantifier, out);
    if (!parsed) return false;
    if (negated) out.negated = !out.negated;
    return true;
  }

  bool parse_modifier(Operator op, Quantifier& quantifier, Predicate& out) {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && kNameCharacters[static_cast<unsigned char>(text_[at_])]) ++at_;
    const std::string_view word = text_.substr(begin + 1, at_ - begin - 1);
    if (!take(")")) return expected(at_, "the ) of a modifier");
    if (is_text_search(op)) {
      out.text_search_config = word;
      return state_.check_identifier(word, path_) || located(begin + 1);
    }
    if (takes_quantifier(op)) {
      quantifier = word == "any" ? Quantifier::any : word == "all" ? Quantifier::all : Quantifier::none;
      if (quantifier != Quantifier::none) return true;
    }
    state_.refuse(ErrorCode::invalid_payload, path_,
                  " has the modifier " + shown(word) + ", which the operator " + std::string(name(op)) +
                      " does not take.");
    return located(begin);
  }

  [[nodiscard]] bool may_end_at(std::size_t index, End end) const {
    if (index == text_.size()) return true;
    return end != End::text && (text_[index] == ',' || (end == End::group && text_[index] == ')'));
  }

  bool set(Operator op, const Value& value, std::size_t begin, Predicate& out) {
    return set_operand(state_, op, value, path_, out) || located(begin);
  }

  std::string_view take_bare(End end) {
    std::size_t stop = kNone;
    if (end == End::comma) stop = text_.find(',', at_);
    if (end == End::group) stop = text_.find_first_of(",)", at_);
    stop = std::min(stop, text_.size());
    const std::string_view bare = text_.substr(at_, stop - at_);
    at_ = stop;
    return bare;
  }

  bool parse_value(End end, Operator op, Predicate& out) {
    const std::size_t begin = at_;
    const char first = peek();
    if (first == '(' || first == '{') {
      if (takes_list(op) || is_equality(op) || takes_range(op)) return parse_bracketed(end, op, out);
      if (first == '(' && end == End::group) {
        // Its ) would end the group, and what follows would quietly mean something else.
        return expected(begin, "a quoted value, for this one begins with ( inside of a group,");
      }
    }
    if (end == End::text && takes_list(op)) return parse_open_list(op, out);
    if (first == '"') return parse_quoted(end, op, out);
    if (op == Operator::in) return expected(begin, "a list like (1,2)");
    const std::string_view bare = take_bare(end);
    if (bare == "null" && (is_equality(op) || op == Operator::is)) return set(op, kNull, begin, out);
    return set(op, *text_value(state_, bare), begin, out);
  }

  bool parse_quoted(End end, Operator op, Predicate& out) {
    const std::size_t begin = at_;
    if (op == Operator::in) return expected(begin, "a list like (1,2)");
    at_ = quoted_end(text_, begin);
    if (at_ == kNone) return expected(text_.size(), "a closing quote");
    if (!may_end_at(at_, end)) return expected(at_, end == End::text ? "the end" : "a comma");
    return set(op, *text_value(state_, unquoted(state_, text_.substr(begin, at_ - begin))), begin, out);
  }

  bool check_length(const ListExtent& extent, std::size_t begin) {
    if (extent.items <= static_cast<std::size_t>(state_.settings().max_in_values)) return true;
    state_.too_large(path_, "has a list of more values than", extent.items, state_.settings().max_in_values);
    return located(begin);
  }

  /// `(a,b)` and `{a,b}`; `(a) b` is a bare value where one can stand. Only what has no comma is read twice.
  bool parse_bracketed(End end, Operator op, Predicate& out) {
    const std::size_t begin = at_;
    const ListExtent extent = list_extent(text_, begin);
    if (extent.closed && may_end_at(extent.end, end)) {
      if (!check_length(extent, begin)) return false;
      at_ = extent.end;
      const Value* value = takes_range(op) ? text_value(state_, text_.substr(begin, at_ - begin))
                                           : list_value(state_, text_, begin, extent);
      return set(op, *value, begin, out);
    }
    const bool bare = !takes_list(op) && (end == End::text || (end == End::comma && extent.items <= 1));
    if (bare) return set(op, *text_value(state_, take_bare(end)), begin, out);
    return bad_list(extent, end);
  }
  bool bad_list(const ListExtent& extent, End end) {
    if (!extent.closed) return expected(extent.end, "the rest of a list");
    return expected(extent.end, end == End::text ? "the end" : "a comma");
  }

  /// What runs to the end of the text after an operator that takes a list: one quoted value, or items.
  bool parse_open_list(Operator op, Predicate& out) {
    const std::size_t begin = at_;
    const ListExtent extent = open_list_extent(text_, begin);
    if (!extent.closed) return bad_list(extent, End::text);
    if (op != Operator::in && extent.items == 1 && peek() == '"') return parse_quoted(End::text, op, out);
    if (!check_length(extent, begin)) return false;
    at_ = extent.end;
    return set(op, *list_value(state_, text_, begin, extent), begin, out);
  }

  /// `op(any)` and `op(all)` as a group of comparisons, each of which counts as a term. Equality with any is
  /// `in`; an empty list is one for which the answer is known.
  bool parse_quantified(End end, Operator op, Quantifier quantifier, Predicate& out) {
    const std::size_t begin = at_;
    if (peek() != '(' && peek() != '{') return expected(begin, "a list like {1,2}");
    const ListExtent extent = list_extent(text_, begin);
    if (!extent.closed || !may_end_at(extent.end, end)) return bad_list(extent, end);
    if (!check_length(extent, begin)) return false;
    const bool as_in = extent.items == 0 || (op == Operator::eq && quantifier == Quantifier::any);
    if (!as_in && !count_items(extent.items, begin)) return false;
    const Value* list = list_value(state_, text_, begin, extent);
    at_ = extent.end;
    if (as_in) {
      out.negated = quantifier == Quantifier::all;
      return set(Operator::in, *list, begin, out);
    }
    auto* children = state_.allocate<Predicate>(extent.items);
    for (std::size_t i = 0; i < extent.items; ++i) {
      Predicate& child = *new (children + i) Predicate(out);
      if (!set(op, *list->items[i], begin, child)) return false;
    }
    out.kind = quantifier == Quantifier::any ? Predicate::Kind::any_of : Predicate::Kind::all_of;
    out.children = {children, extent.items};
    return true;
  }
  bool count_items(std::size_t items, std::size_t begin) {
    for (std::size_t i = 1; i < items; ++i) {  // the first is counted already
      if (!state_.count_term(path_)) return located(begin);
    }
    return true;
  }

  ParseState& state_;
  const std::string_view text_;
  const Path& path_;
  const std::string_view member_;
  std::size_t at_ = 0;
  Predicate* stack_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

}  // namespace

bool parse_expression(ParseState& state, std::string_view text, Kind kind, const Path& path,
                      std::int64_t depth, Predicate& out) {
  ExpressionParser parser(state, text, path, state.keep(path.text()));
  if (kind != Kind::negation) return parser.terms(kind, depth, out);
  if (!parser.one_term(depth, out)) return false;
  out.negated = !out.negated;
  return true;
}

bool parse_filter(ParseState& state, std::string_view column, std::string_view text, const Path& path,
                  Predicate& out) {
  return state.count_term(path) && parse_column_ref(state, column, path, out.column) &&
         ExpressionParser(state, text, path, state.keep(path.text())).condition(out);
}

bool is_filter(std::string_view text) {
  constexpr std::string_view kNegation = "not.";
  if (text.starts_with(kNegation)) text.remove_prefix(kNegation.size());
  const std::size_t end = text.find_first_of(".(");
  if (end == kNone) return false;
  const OperatorWord* known = known_operator(text.substr(0, end));
  return known != nullptr && known->kind == Kind::compare;
}

}  // namespace athena::query
