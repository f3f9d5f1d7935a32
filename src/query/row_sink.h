#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"

namespace athena::query {

/// How the raw text of a cell becomes JSON. Engines own constant tables of these.
struct ValueFormat {
  enum class Kind : std::uint8_t {
    null,        ///< text is ignored
    number,      ///< JSON number as it stands
    boolean_tf,  ///< `t` or `f`
    string,      ///< UTF-8 text, written as a JSON string
    json,        ///< valid JSON text, embedded as stored
    custom,      ///< append_json writes it
  };
  Kind kind = Kind::string;
  /// For `custom`: appends the JSON of `raw`.
  void (*append_json)(base::Buffer& out, std::string_view raw, const ValueFormat& self) = nullptr;
  /// For `custom`: format of the elements of an array, or whatever append_json needs.
  const ValueFormat* element = nullptr;
  const void* context = nullptr;
};

/// Appends `raw` in that format; the one place that turns cells into JSON.
void append_cell(base::Buffer& out, std::string_view raw, const ValueFormat& format);

/// A view into the engine's own buffer, valid during the call that passes it.
struct Cell {
  std::string_view text;
  const ValueFormat* format = nullptr;  ///< null = SQL NULL
};

struct OutputColumn {
  std::string_view name;       ///< key in row objects
  std::string_view type_name;  ///< int4, text, …; empty when the engine has none
  bool hidden = false;         ///< fetched for `resource_id` or a cursor; not part of row objects
};

struct RowShape {
  /// What the reply shows of a result: rows as objects, or, for functions that return no rows, less.
  enum class Form : std::uint8_t {
    rows,    ///< any number of objects
    row,     ///< one object, or null without a row
    values,  ///< any number of values of the only visible column
    value,   ///< one such value, or null without a row
  };

  std::span<const OutputColumn> columns;
  /// Indices (into columns) that make up `resource_id`; empty when the table has no such column.
  std::span<const std::uint16_t> resource_id;
  Form form = Form::rows;
};

enum class RowFlow : std::uint8_t {
  more,
  pause,  ///< the receiver's window is full: push no row until RowSource::resume()
  stop,   ///< no more rows are wanted (the caller left, or enough rows were seen)
};

/// The engine's side of a running result, for flow control.
class RowSource {
 public:
  virtual ~RowSource() = default;
  /// Called on the shard after a `pause`, when rows may flow again.
  virtual void resume() = 0;
};

/// Where rows go. One sink per request, used on the request's shard only. Calls come as
/// begin (restart begin)* row*, and nothing after the engine's operation has completed.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// `shape` and what it points to live until the operation completes. `source` too.
  virtual void begin(const RowShape& shape, RowSource& source) = 0;
  virtual RowFlow row(std::span<const Cell> cells) = 0;
  /// Drops every row seen so far, because the statement runs again. False when bytes have already left: then
  /// the engine must fail instead.
  virtual bool restart() = 0;
};

/// What an operation reports at its end.
struct Summary {
  std::int64_t rows_returned = 0;  ///< rows given to the sink
  std::int64_t rows_affected = 0;  ///< writes
  bool truncated = false;          ///< the default limit or a cap cut the result
  int attempts = 1;
  std::optional<std::int64_t> total;  ///< function calls with a count: rows without limit and offset
  int statement_count = 1;            ///< raw text
  std::vector<std::string> notices;   ///< the database's own, raw text and functions: at most 10 of 1 KiB
};

}  // namespace athena::query
