#include "engines/sql/compiler.h"

#include <type_traits>
#include <utility>

#include "engines/sql/operations.h"

namespace athena::sql {

contract::Result<Plan> compile(const query::Request& request, const CompileContext& context) {
  Plan plan(context.memory);
  plan.table = context.table;
  plan.is_write = query::is_write(request);
  auto done = std::visit(
      [&](const auto& operation) -> contract::Result<void> {
        using Operation = std::decay_t<decltype(operation)>;
        if constexpr (std::is_same_v<Operation, query::Select>)
          return compile_select(operation, context, plan);
        if constexpr (std::is_same_v<Operation, query::Insert>)
          return compile_insert(operation, context, plan);
        if constexpr (std::is_same_v<Operation, query::Update>)
          return compile_update(operation, context, plan);
        if constexpr (std::is_same_v<Operation, query::Delete>)
          return compile_delete(operation, context, plan);
        if constexpr (std::is_same_v<Operation, query::Count>) return compile_count(operation, context, plan);
      },
      request);
  if (!done) return std::move(done).error();
  return contract::Result<Plan>(std::move(plan));
}

}  // namespace athena::sql
