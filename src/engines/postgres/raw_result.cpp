#include "engines/postgres/raw_result.h"

#include <algorithm>
#include <unordered_set>

#include "engines/postgres/notices.h"
#include "engines/postgres/wire.h"

namespace athena::postgres {
namespace {

using query::RowFlow;

}  // namespace

RawResult::RawResult(query::RowSink& sink, const SchemaCache& schema, Limits limits)
    : sink_(sink), schema_(schema), limits_(limits) {}

void RawResult::describe(Shape& shape, std::span<const ResultColumn> columns,
                         std::span<const query::ValueFormat* const> formats) const {
  shape.names.clear();
  shape.columns.clear();
  shape.formats.assign(formats.begin(), formats.end());
  std::unordered_set<std::string_view> taken;
  for (const auto& column : columns) taken.insert(column.name);
  std::unordered_set<std::string_view> used;
  for (const auto& column : columns) {
    std::string key = column.name;
    // A name that comes again becomes name_2, name_3: none of them one that another column has by itself.
    for (int number = 2; used.contains(key) || (number > 2 && taken.contains(key)); ++number)
      key = column.name + "_" + std::to_string(number);
    const std::string_view kept = shape.names.emplace_back(std::move(key));
    used.insert(kept);
    const sql::Type* const type = schema_.type(column.type_oid);
    shape.columns.push_back({kept, type != nullptr ? std::string_view(type->udt_name) : std::string_view()});
  }
}

void RawResult::announce() {
  if (begun_) return;
  begun_ = true;
  announced_ = {shape_.columns, {}};
  cells_.resize(shape_.columns.size());
  sink_.begin(announced_, *this);
}

void RawResult::begin(std::span<const ResultColumn> columns,
                      std::span<const query::ValueFormat* const> formats) {
  described_ = true;
  if (limits_.keep) {
    has_coming_ = true;
    describe(coming_, columns, formats);
    return;
  }
  if (begun_ && shape_.columns.size() == columns.size()) {  // it runs again
    shape_.formats.assign(formats.begin(), formats.end());
    return;
  }
  describe(shape_, columns, formats);
  begun_ = false;
  announce();
}

RowFlow RawResult::row(std::string_view body) {
  if (!limits_.keep) return pass(body);
  keep(body);
  return RowFlow::more;
}

RowFlow RawResult::pass(std::string_view body) {
  const auto done = limits_.stop ? RowFlow::stop : RowFlow::more;
  if (stopped_ || malformed_) return done;
  if (passed_ >= limits_.rows) {
    truncated_ = true;
    return done;
  }
  if (!wire::read_row(body, shape_.formats, cells_)) {
    malformed_ = true;
    return done;
  }
  ++passed_;
  const auto flow = sink_.row(cells_);
  if (flow != RowFlow::stop) return flow;
  stopped_ = true;
  return done;
}

void RawResult::keep(std::string_view body) {
  if (has_coming_) {  // its first row: what came before does not count any more
    has_coming_ = false;
    shape_ = std::move(coming_);
    coming_ = {};
    kept_.clear();
    ends_.clear();
    truncated_ = false;
  }
  if (static_cast<std::int64_t>(ends_.size()) >= limits_.rows) {
    truncated_ = true;
  } else if (kept_.size() + body.size() > limits_.kept_bytes) {
    overflowed_ = true;
  } else if (!overflowed_) {
    kept_.append(body);
    ends_.push_back(kept_.size());
  }
}

void RawResult::command(std::string_view word, std::int64_t count) {
  ++commands_;
  const bool writes = word == "INSERT" || word == "UPDATE" || word == "DELETE" || word == "MERGE" ||
                      (word == "SELECT" && !described_);  // SELECT INTO, CREATE TABLE AS
  if (writes) affected_ += count;
  described_ = false;
}

void RawResult::notice(std::string_view severity, std::string_view message) {
  append_notice(notices_, severity, message);
}

bool RawResult::restart() {
  kept_.clear();
  ends_.clear();
  notices_.clear();
  coming_ = {};
  affected_ = 0;
  commands_ = 0;
  described_ = has_coming_ = truncated_ = stopped_ = malformed_ = overflowed_ = false;
  if (!begun_) return true;
  passed_ = 0;
  return sink_.restart();
}

void RawResult::finish() {
  if (limits_.keep) {
    if (ends_.empty() && has_coming_) shape_ = std::move(coming_);
    announce();
    std::size_t at = 0;
    for (const auto end : ends_) {
      // A receiver that wants a pause gets the rows all the same: they are in memory either way.
      pass(std::string_view(kept_).substr(at, end - at));
      at = end;
    }
    kept_.clear();
    ends_.clear();
  }
  announce();
}

}  // namespace athena::postgres
