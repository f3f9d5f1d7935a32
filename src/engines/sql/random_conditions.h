#pragma once

#include <array>
#include <deque>
#include <memory_resource>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "query/request.h"

namespace athena::sql::testing {

/// Random condition trees over integer columns a, b, c, and what they mean for a row by the rules of SQL
/// (NULL is neither true nor false), worked out without any SQL.
class RandomConditions {
 public:
  using Row = std::array<std::optional<int>, 3>;
  static constexpr std::array<std::string_view, 3> kColumns{"a", "b", "c"};
  static constexpr int kRange = 5;

  explicit RandomConditions(unsigned seed) : random_(seed) {}

  bool nulls_in_lists = true;

  query::Predicate tree(int depth) {
    query::Predicate predicate;
    predicate.negated = pick(4) == 0;
    if (depth > 0 && pick(3) > 0) {
      predicate.kind = pick(2) == 0 ? query::Predicate::Kind::all_of : query::Predicate::Kind::any_of;
      auto& children = groups_.emplace_back();
      const auto count = 1 + pick(3);
      for (int i = 0; i < count; ++i) children.push_back(tree(depth - 1));
      predicate.children = children;
      return predicate;
    }
    using query::Operator;
    static constexpr std::array kOperators{Operator::eq,  Operator::neq, Operator::isdistinct,
                                           Operator::gt,  Operator::gte, Operator::lt,
                                           Operator::lte, Operator::in,  Operator::is};
    predicate.op = kOperators[static_cast<std::size_t>(pick(static_cast<int>(kOperators.size())))];
    predicate.column.name = kColumns[static_cast<std::size_t>(pick(3))];
    predicate.value = number();
    if (predicate.op == Operator::is)
      predicate.is_test = pick(2) == 0 ? query::IsTest::null : query::IsTest::not_null;
    if (predicate.op == Operator::in) predicate.value = list();
    ++leaves_;
    return predicate;
  }

  static std::optional<bool> holds(const query::Predicate& predicate, const Row& row) {
    auto result =
        predicate.kind == query::Predicate::Kind::compare ? compare(predicate, row) : group(predicate, row);
    if (predicate.negated && result) result = !*result;
    return result;
  }

  /// Terms of all trees made so far.
  [[nodiscard]] int leaves() const { return leaves_; }
  Row row() {
    Row row;
    for (auto& cell : row) {
      if (pick(4) > 0) cell = pick(kRange);
    }
    return row;
  }
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

 private:
  const query::Value* number() {
    auto& value = nodes_.emplace_back();
    value.kind = query::Value::Kind::number;
    value.text = texts_.emplace_back(std::to_string(pick(kRange)));
    return &value;
  }
  const query::Value* list() {
    auto& items = lists_.emplace_back();
    for (int i = pick(4); i > 0; --i)
      items.push_back(nulls_in_lists && pick(4) == 0 ? &nodes_.emplace_back() : number());
    auto& value = nodes_.emplace_back();
    value.kind = query::Value::Kind::array;
    value.items = items;
    return &value;
  }

  static std::optional<bool> compare(const query::Predicate& predicate, const Row& row) {
    using query::Operator;
    const auto cell = row[static_cast<std::size_t>(predicate.column.name[0] - 'a')];
    if (predicate.op == Operator::is)
      return cell.has_value() == (predicate.is_test == query::IsTest::not_null);
    if (predicate.op == Operator::in) {
      bool found = false;
      bool with_null = false;
      bool with_value = false;
      for (const auto* item : predicate.value->items) {
        with_null = with_null || item->is_null();
        with_value = with_value || !item->is_null();
        found = found || (!item->is_null() && cell && *cell == std::stoi(std::string(item->text)));
      }
      // An element null finds the rows without a value.
      if (!cell) return with_null ? std::optional(true) : with_value ? std::nullopt : std::optional(false);
      return found;
    }
    const int value = std::stoi(std::string(predicate.value->text));
    if (predicate.op == Operator::isdistinct) return !cell || *cell != value;
    if (!cell) return std::nullopt;
    switch (predicate.op) {
      case Operator::eq:
        return *cell == value;
      case Operator::neq:
        return *cell != value;
      case Operator::gt:
        return *cell > value;
      case Operator::gte:
        return *cell >= value;
      case Operator::lt:
        return *cell < value;
      default:
        return *cell <= value;
    }
  }
  static std::optional<bool> group(const query::Predicate& predicate, const Row& row) {
    const bool any = predicate.kind == query::Predicate::Kind::any_of;
    std::optional<bool> result = !any;
    for (const auto& child : predicate.children) {
      const auto value = holds(child, row);
      if (value == any) return any;
      if (!value) result = std::nullopt;
    }
    return result;
  }

  std::mt19937 random_;
  std::deque<query::Value> nodes_;
  std::deque<std::string> texts_;
  std::deque<std::vector<const query::Value*>> lists_;
  std::deque<std::vector<query::Predicate>> groups_;
  int leaves_ = 0;
};

}  // namespace athena::sql::testing
