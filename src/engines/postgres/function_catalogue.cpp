#include "engines/postgres/function_catalogue.h"

#include <map>
#include <memory_resource>
#include <utility>

#include "engines/postgres/catalogue_sql.h"
#include "engines/postgres/types.h"
#include "engines/postgres/values.h"
#include "engines/sql/dialect.h"

namespace athena::postgres {
namespace {

using Form = query::RowShape::Form;

constexpr std::uint32_t kUnknownOid = 705;  // the server decides
constexpr std::uint32_t kRecordOid = 2249;
constexpr std::uint32_t kVoidOid = 2278;

// Fields of the two parts, behind part and number.
enum FunctionField : std::size_t {
  oid_field = 2,
  schema_field,
  name_field,
  volatile_field,
  set_field,
  result_field,
  result_kind_field,
  arguments_field,
  defaults_field,
};
enum ArgumentField : std::size_t {
  function_field = 2,
  mode_field,
  argument_name_field,
  type_field,
  kind_field,
};

class Reader {
 public:
  explicit Reader(const TypeStore& types) : types_(types) {}

  /// False for functions that nobody can call: those of triggers, of index methods and so on.
  bool read(const TextRow& row, std::span<const TextRow* const> arguments, FunctionOverload& overload) {
    const std::uint32_t result_oid = number_field(row, result_field);
    const bool pseudo = field(row, result_kind_field) == "p";
    read_head(row, overload);
    for (const TextRow* argument : arguments) read_argument(*argument, overload);
    read_defaults(number_field(row, defaults_field), overload);
    if (pseudo && result_oid != kRecordOid && result_oid != kVoidOid && !overload.polymorphic) return false;
    read_result(result_oid, field(row, set_field) == "true", overload);
    return true;
  }

 private:
  const sql::Type* type(std::uint32_t oid) const {
    const sql::Type* const found = types_.find(oid);
    return found != nullptr ? found : builtin_type(kUnknownOid);
  }

  static void read_head(const TextRow& row, FunctionOverload& overload) {
    sql::Table& table = overload.result;
    table.schema = field(row, schema_field);
    table.name = field(row, name_field);
    table.kind = sql::Table::Kind::view;
    std::pmr::string quoted;
    sql::append_identifier(quoted, table.schema);
    quoted.push_back('.');
    sql::append_identifier(quoted, table.name);
    table.quoted = quoted;
    overload.in_pg_catalog = table.schema == "pg_catalog";
    overload.signature.is_volatile = field(row, volatile_field) == "v";
    overload.signature.text = table.name + "(" + std::string(field(row, arguments_field)) + ")";
  }

  void read_argument(const TextRow& row, FunctionOverload& overload) {
    const std::string_view mode = field(row, mode_field);
    const sql::Type* const argument_type = type(number_field(row, type_field));
    const bool output = mode == "o" || mode == "t" || mode == "b";
    if (output) {
      sql::Column column;
      column.name = field(row, argument_name_field);
      column.type = argument_type;
      outputs_.push_back(std::move(column));
      is_table_ = is_table_ || mode == "t";
    }
    if (mode == "o" || mode == "t") return;
    if (field(row, kind_field) == "p") overload.polymorphic = true;
    FunctionArgument& argument = overload.arguments.emplace_back();
    argument.name = field(row, argument_name_field);
    argument.type = argument_type;
    argument.variadic = mode == "v";
    overload.signature.argument_names.push_back(argument.name);
  }

  /// Defaults belong to the last inputs.
  static void read_defaults(std::uint32_t count, FunctionOverload& overload) {
    for (auto it = overload.arguments.rbegin(); it != overload.arguments.rend() && count > 0; ++it, --count)
      it->has_default = true;
  }

  void read_result(std::uint32_t oid, bool set, FunctionOverload& overload) {
    auto& columns = overload.result.columns;
    const sql::Type* const result = type(oid);
    const auto* const attributes =
        result->category == sql::TypeCategory::composite ? composite_attributes(*result->format) : nullptr;
    overload.form = set ? Form::rows : Form::row;
    if (attributes != nullptr) {
      for (const auto& attribute : attributes->attributes) {
        sql::Column column;
        column.name = attribute.name;
        column.type = attribute.type != nullptr ? attribute.type : builtin_type(kUnknownOid);
        columns.push_back(std::move(column));
      }
      return;
    }
    if (outputs_.size() > 1 || is_table_) {
      columns = std::move(outputs_);
      // As the server names them.
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].name.empty()) columns[i].name = "column" + std::to_string(i + 1);
      }
      return;
    }
    overload.form = set ? Form::values : Form::value;
    overload.anonymous_record = oid == kRecordOid;
    sql::Column column;
    column.name = outputs_.empty() ? overload.result.name : outputs_.front().name;
    if (column.name.empty()) column.name = overload.result.name;
    column.type = result;
    columns.push_back(std::move(column));
  }

  const TypeStore& types_;
  std::vector<sql::Column> outputs_;
  bool is_table_ = false;
};

}  // namespace

FunctionSetPtr read_functions(std::span<const TextRow> rows, const std::shared_ptr<TypeStore>& types) {
  auto set = std::make_shared<FunctionSet>();
  set->types = types;
  types->add(rows);
  std::map<std::uint32_t, std::vector<const TextRow*>> arguments;  // in order: that of the answer
  for (const TextRow& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) set->definition.append(field(row, i)).push_back('\0');
    if (number_field(row, 0) == catalogue_sql::kPartArgument)
      arguments[number_field(row, function_field)].push_back(&row);
  }
  for (const TextRow& row : rows) {
    if (number_field(row, 0) != catalogue_sql::kPartFunction) continue;
    FunctionOverload overload;
    if (Reader(*types).read(row, arguments[number_field(row, oid_field)], overload))
      set->overloads.push_back(std::move(overload));
  }
  return set;
}

}  // namespace athena::postgres
