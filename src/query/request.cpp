#include "query/request.h"

namespace athena::query {

std::string_view name(Operator op) {
  switch (op) {
    case Operator::eq:
      return "eq";
    case Operator::neq:
      return "neq";
    case Operator::isdistinct:
      return "isdistinct";
    case Operator::gt:
      return "gt";
    case Operator::gte:
      return "gte";
    case Operator::lt:
      return "lt";
    case Operator::lte:
      return "lte";
    case Operator::like:
      return "like";
    case Operator::ilike:
      return "ilike";
    case Operator::match:
      return "match";
    case Operator::imatch:
      return "imatch";
    case Operator::is:
      return "is";
    case Operator::in:
      return "in";
    case Operator::contains:
      return "contains";
    case Operator::contained_by:
      return "containedBy";
    case Operator::overlaps:
      return "overlaps";
    case Operator::sl:
      return "sl";
    case Operator::sr:
      return "sr";
    case Operator::nxr:
      return "nxr";
    case Operator::nxl:
      return "nxl";
    case Operator::adj:
      return "adj";
    case Operator::fts:
      return "fts";
    case Operator::plfts:
      return "plfts";
    case Operator::phfts:
      return "phfts";
  }
  return {};
}

const Target& target(const Request& request) {
  return std::visit([](const auto& operation) -> const Target& { return operation.target; }, request);
}

bool is_write(const Request& request) {
  return !std::holds_alternative<Select>(request) && !std::holds_alternative<Count>(request);
}

}  // namespace athena::query
