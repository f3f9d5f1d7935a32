#include "query/row_sink.h"

#include "base/json_writer.h"

namespace athena::query {

void append_cell(base::Buffer& out, std::string_view raw, const ValueFormat& format) {
  switch (format.kind) {
    case ValueFormat::Kind::null:
      out.append("null");
      return;
    case ValueFormat::Kind::number:
    case ValueFormat::Kind::json:
      out.append(raw);
      return;
    case ValueFormat::Kind::boolean_tf:
      out.append(raw.starts_with('t') ? "true" : "false");
      return;
    case ValueFormat::Kind::string:
      base::append_json_string(out, raw);
      return;
    case ValueFormat::Kind::custom:
      format.append_json(out, raw, format);
      return;
  }
}

}  // namespace athena::query
