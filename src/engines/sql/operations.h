#pragma once

#include "contract/error.h"
#include "engines/sql/compiler.h"
#include "query/request.h"

/// One function per operation; each fills the plan that compile() made.
namespace athena::sql {

contract::Result<void> compile_select(const query::Select& select, const CompileContext& context, Plan& plan);
contract::Result<void> compile_insert(const query::Insert& insert, const CompileContext& context, Plan& plan);
contract::Result<void> compile_update(const query::Update& update, const CompileContext& context, Plan& plan);
contract::Result<void> compile_delete(const query::Delete& request, const CompileContext& context,
                                      Plan& plan);
contract::Result<void> compile_count(const query::Count& count, const CompileContext& context, Plan& plan);

}  // namespace athena::sql
