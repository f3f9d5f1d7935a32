#include "query/grouping_sink.h"

#include <string>
#include <utility>

#include "base/json_validator.h"
#include "query/grouping_buckets.h"
#include "query/json_text.h"
#include "query/output_keys.h"

namespace athena::query {
namespace {

using contract::Error;
using contract::ErrorCode;
using Strategy = Grouping::Strategy;

constexpr std::uint16_t kNoColumn = 0xffff;

std::string quoted(std::string_view name) {
  return '"' + std::string(name) + '"';
}

/// Whether a number's own text is to be shown because its plain notation would look different.
bool has_own_spelling(std::string_view text) {
  return text.find_first_of("eE") != std::string_view::npos || text.starts_with("-0");
}

}  // namespace

struct GroupingSink::State {
  State(JsonRowSink& sink, base::Buffer& buffer, const Grouping& wanted, bool snake_case_keys)
      : rows(sink), out(buffer), grouping(wanted), snake_case(snake_case_keys), page(wanted.granularity) {
    const bool has_column = !grouping.aggregation_column.empty();
    if (has_column && grouping.strategy == Strategy::none) grouping.strategy = Strategy::sum;
    // Without a column there is nothing but rows to count.
    if (!has_column && grouping.strategy != Strategy::count) grouping.strategy = Strategy::none;
    reads_values = has_column;
    keeps_spellings = grouping.strategy == Strategy::min || grouping.strategy == Strategy::max;
  }

  void begin(const RowShape& shape);
  void forget();
  bool find(const RowShape& shape, std::string_view member, std::string_view key, std::uint16_t& column);
  void refuse_value(std::string_view what, bool too_long);
  /// The value's text; false for NULL.
  bool value_text(const Cell& cell, std::string_view& text);
  bool add_value(const Cell& cell);
  bool add(std::span<const Cell> cells, std::size_t row_begin);

  JsonRowSink& rows;
  base::Buffer& out;
  Grouping grouping;
  bool snake_case;
  bool reads_values = false;
  bool keeps_spellings = false;
  std::uint16_t group_column = kNoColumn;
  std::uint16_t value_column = kNoColumn;
  GroupingPage page;
  base::Buffer rendered;
  std::string scratch;
  std::string group_name;
  std::string notice;
  std::optional<Error> failure;
};

bool GroupingSink::State::find(const RowShape& shape, std::string_view member, std::string_view key,
                               std::uint16_t& column) {
  const auto keys = output_keys(shape, snake_case);
  std::vector<std::string_view> visible;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (shape.columns[i].hidden) continue;
    if (keys[i] == key) {
      column = static_cast<std::uint16_t>(i);
      return true;
    }
    visible.emplace_back(keys[i]);
  }
  const auto suggestions = contract::near_names(key, visible);
  failure = Error(ErrorCode::invalid_post_processing, std::string(member) + " names " + quoted(key) +
                                                          ", which is no output key of the selected columns.")
                .with("member", member)
                .with("column", key);
  if (!suggestions.empty()) {
    failure->with("suggestions", std::span<const std::string>(suggestions));
    failure->hint(contract::did_you_mean(suggestions));
  }
  return false;
}

void GroupingSink::State::forget() {
  page.rows.clear();
  page.values.clear();
  page.spellings.clear();
  failure.reset();
  notice.clear();
}

void GroupingSink::State::begin(const RowShape& shape) {
  group_column = kNoColumn;
  value_column = kNoColumn;
  if (!grouping.group_by.empty()) {
    if (!find(shape, "group_by", grouping.group_by, group_column)) return;
    group_name = grouping.group_by;
    if (page.rows.empty()) page.labels.begin(shape.columns[group_column].type_name);
  }
  if (reads_values) find(shape, "aggregation_column", grouping.aggregation_column, value_column);
}

void GroupingSink::State::refuse_value(std::string_view what, bool too_long) {
  failure = Error(ErrorCode::invalid_post_processing,
                  "aggregation_column " + quoted(grouping.aggregation_column) + " holds " +
                      std::string(what) + " in row " + std::to_string(page.rows.size() + 1) + " of the page.")
                .with("member", "aggregation_column")
                .with("column", grouping.aggregation_column);
  if (too_long) failure->with("max", Decimal::kMaxDigits);
}

bool GroupingSink::State::value_text(const Cell& cell, std::string_view& text) {
  if (cell.format == nullptr) return false;
  switch (cell.format->kind) {
    case ValueFormat::Kind::null:
      return false;
    case ValueFormat::Kind::number:
    case ValueFormat::Kind::string:
    case ValueFormat::Kind::boolean_tf:
      text = cell.text;
      return true;
    case ValueFormat::Kind::json:
    case ValueFormat::Kind::custom:
      break;
  }
  text = cell_json(cell, rendered);
  if (text == "null") return false;
  if (text.starts_with('"')) text = json_string_text(text, scratch);
  return true;
}

/// Whether there is a value; look at `failure` too.
bool GroupingSink::State::add_value(const Cell& cell) {
  std::string_view text;
  if (!value_text(cell, text)) return false;
  Decimal& value = page.values.emplace_back();
  switch (Decimal::read(text, value)) {
    case Decimal::Reading::number:
      break;
    case Decimal::Reading::no_number:
      refuse_value("a value that is no number", false);
      return false;
    case Decimal::Reading::too_long:
      refuse_value("a number of more than " + std::to_string(Decimal::kMaxDigits) + " digits", true);
      return false;
  }
  if (keeps_spellings && has_own_spelling(text) && base::is_json(text))
    page.spellings.push_back({static_cast<std::uint32_t>(page.values.size() - 1), std::string(text)});
  return true;
}

bool GroupingSink::State::add(std::span<const Cell> cells, std::size_t row_begin) {
  const bool has_value = reads_values && add_value(cells[value_column]);
  if (failure) return false;
  const std::uint32_t label = group_column == kNoColumn ? 0 : page.labels.number_of(cells[group_column]);
  page.rows.push_back({row_begin, static_cast<std::uint32_t>(out.size() - row_begin), label, has_value});
  return true;
}

GroupingSink::GroupingSink(JsonRowSink& rows, base::Buffer& out, const Grouping& grouping,
                           bool snake_case_keys)
    : state_(std::make_unique<State>(rows, out, grouping, snake_case_keys)) {}

GroupingSink::~GroupingSink() = default;

void GroupingSink::begin(const RowShape& shape, RowSource& source) {
  state_->rows.begin(shape, source);
  state_->begin(shape);
}

RowFlow GroupingSink::row(std::span<const Cell> cells) {
  State& state = *state_;
  if (state.failure) return RowFlow::stop;
  const std::int64_t before = state.rows.rows_written();
  // A comma comes before every row but the first.
  const std::size_t begin = state.out.size() + (before == 0 ? 0 : 1);
  const RowFlow flow = state.rows.row(cells);
  if (state.rows.rows_written() == before || state.rows.overflowed()) return flow;
  if (state.rows.streaming()) {
    state.failure = Error(ErrorCode::internal_error, "Rows that are grouped cannot be streamed.");
    return RowFlow::stop;
  }
  return state.add(cells, begin) ? flow : RowFlow::stop;
}

bool GroupingSink::restart() {
  if (!state_->rows.restart()) return false;
  state_->forget();
  return true;
}

const std::optional<contract::Error>& GroupingSink::failure() const {
  return state_->failure;
}

std::string_view GroupingSink::notice() const {
  State& state = *state_;
  if (state.grouping.granularity == Grouping::Granularity::none || state.group_column == kNoColumn ||
      state.page.labels.by_time()) {
    return {};
  }
  state.notice = "time_granularity has no effect: " + quoted(state.group_name) + " is no time column.";
  return state.notice;
}

void GroupingSink::append_grouped(base::Buffer& to) {
  if (state_->failure) return;
  append_buckets(to, state_->out, state_->page, state_->grouping);
}

}  // namespace athena::query
