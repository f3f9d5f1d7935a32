#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "engines/sql/table.h"
#include "query/row_sink.h"

namespace athena::postgres {

/// How texts of PostgreSQL become JSON. Constants; safe on any thread. Whatever text arrives, what is
/// appended is valid JSON: text that does not look as its type promises becomes a JSON string. Texts of
/// `number` and `json` as whole cells are trusted (the server made them); inside arrays, composites and
/// numerics they are checked.
extern const query::ValueFormat kNullFormat;       ///< void
extern const query::ValueFormat kIntegerFormat;    ///< int2, int4, int8, oid
extern const query::ValueFormat kBooleanFormat;    ///< bool
extern const query::ValueFormat kStringFormat;     ///< PostgreSQL's text form
extern const query::ValueFormat kJsonFormat;       ///< json, jsonb
extern const query::ValueFormat kNumericFormat;    ///< numeric, float4, float8: NaN and infinities as strings
extern const query::ValueFormat kTimestampFormat;  ///< timestamp, timestamptz
extern const query::ValueFormat kVectorFormat;     ///< int2vector, oidvector
extern const query::ValueFormat kHstoreFormat;     ///< hstore: object of strings and nulls

/// Arrays of `element` whose elements are parted by `*delimiter`. Both are referred to, not copied.
query::ValueFormat array_format(const query::ValueFormat& element, const char* delimiter);
/// What array_format was given; `,` for every other format.
char array_delimiter(const query::ValueFormat& format);

/// The attributes of a composite type, in order.
struct CompositeAttributes {
  struct Attribute {
    std::string key;  ///< the name as JSON with the colon: `"name":`
    const query::ValueFormat* format;
    const sql::Type* type = nullptr;  ///< null = unknown
    std::string name = {};
  };
  std::vector<Attribute> attributes;
};
/// Composites as objects. `attributes` is referred to, not copied.
query::ValueFormat composite_format(const CompositeAttributes& attributes);
/// What composite_format was given; null for every other format.
const CompositeAttributes* composite_attributes(const query::ValueFormat& format);

/// True when `text` is one JSON number.
bool is_json_number(std::string_view text);
/// True when `text` is one JSON value in valid UTF-8, of any depth, with or without white space around it.
bool is_json(std::string_view text);

}  // namespace athena::postgres
