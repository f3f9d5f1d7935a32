#include "engines/postgres/types.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engines/postgres/type_name.h"
#include "engines/postgres/values.h"

namespace athena::postgres {

namespace {

using Category = sql::TypeCategory;
using query::ValueFormat;

struct Row {
  std::uint32_t oid;
  std::uint32_t array_oid;
  std::string_view name;
  Category category;
  const ValueFormat* format;
};

constexpr const ValueFormat* kString = &kStringFormat;

/// pg_type of PostgreSQL 12 to 17 without what no column can have. Numbers of built-in types never change.
constexpr std::array kRows = {
    Row{16, 1000, "bool", Category::boolean, &kBooleanFormat},
    Row{17, 1001, "bytea", Category::bytes, kString},
    Row{18, 1002, "char", Category::text, kString},
    Row{19, 1003, "name", Category::text, kString},
    Row{20, 1016, "int8", Category::integer, &kIntegerFormat},
    Row{21, 1005, "int2", Category::integer, &kIntegerFormat},
    Row{22, 1006, "int2vector", Category::other, &kVectorFormat},
    Row{23, 1007, "int4", Category::integer, &kIntegerFormat},
    Row{24, 1008, "regproc", Category::other, kString},
    Row{25, 1009, "text", Category::text, kString},
    Row{26, 1028, "oid", Category::integer, &kIntegerFormat},
    Row{27, 1010, "tid", Category::other, kString},
    Row{28, 1011, "xid", Category::other, kString},
    Row{29, 1012, "cid", Category::other, kString},
    Row{30, 1013, "oidvector", Category::other, &kVectorFormat},
    Row{114, 199, "json", Category::json, &kJsonFormat},
    Row{142, 143, "xml", Category::other, kString},
    Row{194, 0, "pg_node_tree", Category::other, kString},
    Row{600, 1017, "point", Category::geometric, kString},
    Row{601, 1018, "lseg", Category::geometric, kString},
    Row{602, 1019, "path", Category::geometric, kString},
    Row{603, 1020, "box", Category::geometric, kString},
    Row{604, 1027, "polygon", Category::geometric, kString},
    Row{628, 629, "line", Category::geometric, kString},
    Row{650, 651, "cidr", Category::network, kString},
    Row{700, 1021, "float4", Category::floating, &kNumericFormat},
    Row{701, 1022, "float8", Category::floating, &kNumericFormat},
    Row{705, 0, "unknown", Category::text, kString},
    Row{718, 719, "circle", Category::geometric, kString},
    Row{774, 775, "macaddr8", Category::network, kString},
    Row{790, 791, "money", Category::numeric, kString},
    Row{829, 1040, "macaddr", Category::network, kString},
    Row{869, 1041, "inet", Category::network, kString},
    Row{1033, 1034, "aclitem", Category::other, kString},
    Row{1042, 1014, "bpchar", Category::text, kString},
    Row{1043, 1015, "varchar", Category::text, kString},
    Row{1082, 1182, "date", Category::date_time, kString},
    Row{1083, 1183, "time", Category::date_time, kString},
    Row{1114, 1115, "timestamp", Category::date_time, &kTimestampFormat},
    Row{1184, 1185, "timestamptz", Category::date_time, &kTimestampFormat},
    Row{1186, 1187, "interval", Category::interval, kString},
    Row{1266, 1270, "timetz", Category::date_time, kString},
    Row{1560, 1561, "bit", Category::other, kString},
    Row{1562, 1563, "varbit", Category::other, kString},
    Row{1700, 1231, "numeric", Category::numeric, &kNumericFormat},
    Row{1790, 2201, "refcursor", Category::text, kString},
    Row{2202, 2207, "regprocedure", Category::other, kString},
    Row{2203, 2208, "regoper", Category::other, kString},
    Row{2204, 2209, "regoperator", Category::other, kString},
    Row{2205, 2210, "regclass", Category::other, kString},
    Row{2206, 2211, "regtype", Category::other, kString},
    Row{2249, 2287, "record", Category::composite, kString},
    Row{2275, 1263, "cstring", Category::text, kString},
    Row{2277, 0, "anyarray", Category::other, kString},
    Row{2278, 0, "void", Category::other, &kNullFormat},
    Row{2950, 2951, "uuid", Category::uuid, kString},
    Row{2970, 2949, "txid_snapshot", Category::other, kString},
    Row{3220, 3221, "pg_lsn", Category::other, kString},
    Row{3361, 0, "pg_ndistinct", Category::other, kString},
    Row{3402, 0, "pg_dependencies", Category::other, kString},
    Row{3614, 3643, "tsvector", Category::text_search, kString},
    Row{3615, 3645, "tsquery", Category::text_search, kString},
    Row{3642, 3644, "gtsvector", Category::other, kString},
    Row{3734, 3735, "regconfig", Category::other, kString},
    Row{3769, 3770, "regdictionary", Category::other, kString},
    Row{3802, 3807, "jsonb", Category::jsonb, &kJsonFormat},
    Row{3904, 3905, "int4range", Category::range, kString},
    Row{3906, 3907, "numrange", Category::range, kString},
    Row{3908, 3909, "tsrange", Category::range, kString},
    Row{3910, 3911, "tstzrange", Category::range, kString},
    Row{3912, 3913, "daterange", Category::range, kString},
    Row{3926, 3927, "int8range", Category::range, kString},
    Row{4072, 4073, "jsonpath", Category::other, kString},
    Row{4089, 4090, "regnamespace", Category::other, kString},
    Row{4096, 4097, "regrole", Category::other, kString},
    Row{4191, 4192, "regcollation", Category::other, kString},
    Row{4451, 6150, "int4multirange", Category::multirange, kString},
    Row{4532, 6151, "nummultirange", Category::multirange, kString},
    Row{4533, 6152, "tsmultirange", Category::multirange, kString},
    Row{4534, 6153, "tstzmultirange", Category::multirange, kString},
    Row{4535, 6155, "datemultirange", Category::multirange, kString},
    Row{4536, 6157, "int8multirange", Category::multirange, kString},
    Row{5017, 0, "pg_mcv_list", Category::other, kString},
    Row{5038, 5039, "pg_snapshot", Category::other, kString},
    Row{5069, 271, "xid8", Category::other, kString},
};

/// Pseudo-types: results may have them, casts may not name them.
bool is_pseudo(std::uint32_t oid) {
  return oid == 705 || oid == 2249 || oid == 2275 || oid == 2277 || oid == 2278;
}

/// What SQL calls a type besides its name in the catalogue.
constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kSpellings = {{
    {"boolean", "bool"},
    {"smallint", "int2"},
    {"int", "int4"},
    {"integer", "int4"},
    {"bigint", "int8"},
    {"decimal", "numeric"},
    {"dec", "numeric"},
    {"real", "float4"},
    {"float", "float8"},
    {"double precision", "float8"},
    {"character varying", "varchar"},
    {"char varying", "varchar"},
    {"bit varying", "varbit"},
    {"time without time zone", "time"},
    {"time with time zone", "timetz"},
    {"timestamp without time zone", "timestamp"},
    {"timestamp with time zone", "timestamptz"},
}};

constexpr char kComma = ',';
constexpr char kBoxDelimiter = ';';

struct ByName {
  const sql::Type* type = nullptr;
  const sql::Type* array = nullptr;
};

class Builtins {
 public:
  static const Builtins& instance() {
    static const Builtins builtins;
    return builtins;
  }

  [[nodiscard]] const sql::Type* find(std::uint32_t oid) const {
    const auto it =
        std::lower_bound(by_oid_.begin(), by_oid_.end(), oid,
                         [](const sql::Type* type, std::uint32_t wanted) { return type->oid < wanted; });
    return it != by_oid_.end() && (*it)->oid == oid ? *it : nullptr;
  }

  [[nodiscard]] const sql::Type* find(const TypeName& name) const {
    if (!name.schema.empty() && name.schema != "pg_catalog") return nullptr;
    const auto& names = name.quoted || !name.schema.empty() ? catalogue_ : spellings_;
    const auto it = names.find(name.name);
    if (it == names.end()) return nullptr;
    return name.array ? it->second.array : it->second.type;
  }

 private:
  Builtins() {
    types_.reserve(2 * kRows.size() + 4);
    formats_.reserve(kRows.size());
    for (const Row& row : kRows) add(row);
    for (const sql::Type& type : types_) by_oid_.push_back(&type);
    std::sort(by_oid_.begin(), by_oid_.end(),
              [](const sql::Type* a, const sql::Type* b) { return a->oid < b->oid; });
    for (const auto& [spelling, name] : kSpellings) spellings_[spelling] = spellings_.at(name);
    // In a cast these two mean one character and one bit; the columns' types, of any length, are written
    // differently.
    spellings_["char"] = spellings_["character"] = one_of("character", "bpchar");
    spellings_["bit"] = one_of("bit", "bit");
  }

  void add(const Row& row) {
    sql::Type& type = types_.emplace_back();
    type.udt_name = row.name;
    type.name = row.name == "char" || row.name == "bit" ? '"' + type.udt_name + '"' : type.udt_name;
    type.oid = row.oid;
    type.array_oid = row.array_oid;
    type.category = row.category;
    type.format = row.format;
    ByName entry{.type = &type};
    if (row.array_oid != 0) entry.array = &add_array(type, row.oid == 603 ? kBoxDelimiter : kComma);
    if (is_pseudo(row.oid)) return;
    catalogue_[type.udt_name] = entry;
    if (entry.array != nullptr)
      catalogue_[entry.array->udt_name] = {.type = entry.array, .array = entry.array};
    for (const sql::Type* each : {entry.type, entry.array}) {
      if (each != nullptr) spellings_[each->udt_name] = catalogue_.at(each->udt_name);
    }
  }

  const sql::Type& add_array(const sql::Type& element, const char& delimiter) {
    sql::Type& array = types_.emplace_back();
    array.udt_name = '_' + element.udt_name;
    array.name = element.name + "[]";
    array.oid = element.array_oid;
    array.category = Category::array;
    array.element = &element;
    array.format = &formats_.emplace_back(array_format(*element.format, &delimiter));
    return array;
  }

  ByName one_of(std::string_view spelling, std::string_view name) {
    const ByName catalogue = catalogue_.at(name);
    sql::Type& type = types_.emplace_back(*catalogue.type);
    type.name = spelling;
    sql::Type& array = types_.emplace_back(*catalogue.array);
    array.name = type.name + "[]";
    array.element = &type;
    return {.type = &type, .array = &array};
  }

  // Reserved once: elements never move.
  std::vector<sql::Type> types_;
  std::vector<ValueFormat> formats_;
  std::vector<const sql::Type*> by_oid_;
  std::unordered_map<std::string_view, ByName> catalogue_;  // typname
  std::unordered_map<std::string_view, ByName> spellings_;  // unquoted in a cast
};

}  // namespace

const sql::Type* builtin_type(std::uint32_t oid) {
  return Builtins::instance().find(oid);
}

const sql::Type* builtin_type(std::string_view name) {
  const auto parsed = parse_type_name(name);
  return parsed ? Builtins::instance().find(*parsed) : nullptr;
}

const query::ValueFormat& format_of(std::uint32_t oid) {
  const sql::Type* type = builtin_type(oid);
  return type != nullptr ? *type->format : kStringFormat;
}

}  // namespace athena::postgres
