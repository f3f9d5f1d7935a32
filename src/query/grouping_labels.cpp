#include "query/grouping_labels.h"

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "query/json_text.h"
#include "query/time_label.h"

namespace athena::query {
namespace {

bool is_time_type(std::string_view name) {
  return name == "date" || name == "datetime" || (name.starts_with("timestamp") && !name.ends_with(']'));
}

/// Also columns of which nothing is known.
bool is_text_type(std::string_view name) {
  const auto has = [name](std::string_view part) { return name.find(part) != std::string_view::npos; };
  return name.empty() || name == "name" ||
         (!name.ends_with(']') && (has("char") || has("text") || has("clob")));
}

/// A timestamp as a database writes it (so it is one), `2026-03-01 08:15:00`, of a four-digit year, in UTC or
/// without a zone: its beginning up to a unit tells the unit that it lies in.
bool is_utc_timestamp(std::string_view text) {
  constexpr std::size_t kSeconds = 19;
  if (text.size() < kSeconds || text[4] != '-' || text[13] != ':') return false;
  if (text.ends_with("+00")) return true;
  const char last = text.back();
  return last >= '0' && last <= '9' && text.find_first_of("+-", kSeconds) == std::string_view::npos;
}

std::size_t prefix_size(Grouping::Granularity granularity) {
  switch (granularity) {
    case Grouping::Granularity::hour:
      return 14;
    case Grouping::Granularity::minute:
      return 17;
    case Grouping::Granularity::none:
    case Grouping::Granularity::day:
      break;
  }
  return 11;
}

}  // namespace

std::string_view cell_json(const Cell& cell, base::Buffer& scratch) {
  std::string_view json = cell.text;
  if (cell.format->kind != ValueFormat::Kind::json) {
    scratch.clear();
    append_cell(scratch, cell.text, *cell.format);
    json = scratch.view();
  }
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t first = json.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return json.substr(first, json.find_last_not_of(kSpaces) + 1 - first);
}

void GroupingLabels::begin(std::string_view type_name) {
  const std::string name = base::lower_case(type_name);
  time_type_ = is_time_type(name);
  text_type_ = is_text_type(name);
  has_times_ = false;
  has_others_ = false;
  distinct_ = true;
  only_format_ = nullptr;
  cells_.clear();
  cell_numbers_.clear();
  times_.clear();
  time_numbers_.clear();
  labels_.clear();
  last_prefix_.clear();
  memory_.release();
}

/// The number of a cell that is a time, in a column of such a type; no text is kept for it.
bool GroupingLabels::find_time(const Cell& cell, std::uint32_t& number) {
  if (cell.format == nullptr) return false;
  std::string_view text = cell.text;
  std::string_view prefix;
  if (cell.format->kind == ValueFormat::Kind::custom) {
    if (is_utc_timestamp(text)) {
      if (!last_prefix_.empty() && text.starts_with(last_prefix_)) {
        number = last_time_;
        return true;
      }
      prefix = text.substr(0, prefix_size(granularity_));
    }
    text = cell_json(cell, rendered_);
    if (!text.starts_with('"')) return false;
    text = json_string_text(text, scratch_);
  } else if (cell.format->kind != ValueFormat::Kind::string) {
    return false;
  }
  const auto seconds = read_time(text);
  if (!seconds) return false;
  last_prefix_ = prefix;
  const std::int64_t time = truncate_time(*seconds, granularity_);
  if (has_times_ && labels_[last_time_].time == time) {
    number = last_time_;
    return true;
  }
  const auto found = times_.insert({}, static_cast<std::uint64_t>(time));
  if (found.is_new) {
    time_numbers_.push_back(static_cast<std::uint32_t>(labels_.size()));
    labels_.push_back({.text = {}, .time = time, .is_time = true});
    has_times_ = true;
  }
  number = last_time_ = time_numbers_[found.number];
  return true;
}

std::uint32_t GroupingLabels::number_of(const Cell& cell) {
  std::uint32_t number = 0;
  if (time_type_ && granularity_ != Grouping::Granularity::none && find_time(cell, number)) return number;
  // The text of a NULL means nothing.
  const std::string_view text = cell.format == nullptr ? std::string_view{} : cell.text;
  if (cells_.size() != 0 && cell.format == last_format_ && text == cells_.text(last_cell_))
    return cell_numbers_[last_cell_];
  const auto found = cells_.insert(text, reinterpret_cast<std::uintptr_t>(cell.format));
  if (found.is_new) {
    cell_numbers_.push_back(static_cast<std::uint32_t>(labels_.size()));
    add(cell, cells_.text(found.number));
  }
  last_cell_ = found.number;
  last_format_ = cell.format;
  return cell_numbers_[found.number];
}

std::string_view GroupingLabels::keep(std::string_view text) {
  if (text.empty()) return {};
  auto* bytes = static_cast<char*>(memory_.allocate(text.size(), 1));
  std::memcpy(bytes, text.data(), text.size());
  return {bytes, text.size()};
}

/// `raw` is the cell's text in memory that stays.
std::string_view GroupingLabels::text_of(const Cell& cell, std::string_view raw, bool& is_null,
                                         bool& is_string) {
  const auto kind = cell.format == nullptr ? ValueFormat::Kind::null : cell.format->kind;
  if (kind != ValueFormat::Kind::null) {
    const bool as_it_stands = kind == ValueFormat::Kind::number || kind == ValueFormat::Kind::string;
    distinct_ = distinct_ && as_it_stands && (only_format_ == nullptr || only_format_ == cell.format);
    only_format_ = cell.format;
  }
  switch (kind) {
    case ValueFormat::Kind::null:
      is_null = true;
      return "null";
    case ValueFormat::Kind::number:
      return raw;
    case ValueFormat::Kind::boolean_tf:
      return raw.starts_with('t') ? "true" : "false";
    case ValueFormat::Kind::string:
      is_string = true;
      return raw;
    case ValueFormat::Kind::json:
    case ValueFormat::Kind::custom:
      break;
  }
  const std::string_view json = cell_json(cell, rendered_);
  if (json == "null") {
    is_null = true;
    return "null";
  }
  if (json.starts_with('"')) {
    // Of what is no text column only the times of a type made for them count as times.
    is_string = kind == ValueFormat::Kind::custom && time_type_;
    return keep(json_string_text(json, scratch_));
  }
  scratch_.clear();
  append_compact_json(scratch_, json);
  return keep(scratch_);
}

void GroupingLabels::add(const Cell& cell, std::string_view raw) {
  Label& label = labels_.emplace_back();
  bool is_string = false;
  label.text = text_of(cell, raw, label.is_null, is_string);
  if (label.is_null || granularity_ == Grouping::Granularity::none) return;
  if (is_string && time_type_) {
    // Everything but the two ends of time was looked for before.
    label.is_time = label.text == "infinity" || label.text == "-infinity";
    label.time = label.text == "infinity" ? kBehindAllTime : kBeforeAllTime;
  } else if (is_string) {
    if (const auto seconds = read_time(label.text)) {
      label.is_time = true;
      label.time = truncate_time(*seconds, granularity_);
    }
  }
  (label.is_time ? has_times_ : has_others_) = true;
  if (label.is_time && time_type_) {
    last_time_ = static_cast<std::uint32_t>(labels_.size() - 1);
    last_prefix_.clear();
  }
}

bool GroupingLabels::by_time() const {
  if (granularity_ == Grouping::Granularity::none) return false;
  if (time_type_) return has_times_ || !has_others_;
  return !has_others_ && (has_times_ || text_type_);
}

}  // namespace athena::query
