#include "query/grouping_buckets.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/json_writer.h"
#include "query/time_label.h"

namespace athena::query {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

using Strategy = Grouping::Strategy;

struct Bucket {
  std::string_view label;
  std::int64_t time = 0;
  bool is_time = false;
  bool is_null = false;
  std::uint32_t first = kNone;  // rows, linked by next_
  std::uint32_t last = kNone;
  std::int64_t count = 0;  // of what the strategy counts
  std::uint32_t best = kNone;
  Decimal sum;
};

/// Order of buckets: `key` decides, and the rest where keys are equal.
struct Place {
  std::uint64_t key;
  std::uint32_t bucket;
};

std::uint64_t first_bytes(std::string_view text) {
  std::uint64_t value = 0;
  if (!text.empty()) std::memcpy(&value, text.data(), std::min<std::size_t>(text.size(), sizeof value));
  return __builtin_bswap64(value);
}

std::uint64_t ordered(std::int64_t value) {
  return static_cast<std::uint64_t>(value) ^ kSignBit;
}

class Buckets {
 public:
  Buckets(const GroupingPage& page, const Grouping& grouping) : page_(page), grouping_(grouping) {
    by_time_ = !grouping.group_by.empty() && page.labels.by_time();
  }

  void fill();
  void sort();
  void append_to(base::Buffer& to, const base::Buffer& rows);

 private:
  std::uint32_t bucket_of_label(const GroupingLabels::Label& label);
  void make_buckets();
  void add_row(std::uint32_t row, Bucket& bucket);
  void add_value(std::uint32_t value, std::uint32_t bucket);
  bool set_integer_keys(std::vector<Place>& places) const;
  bool read_labels(const std::vector<Place>& places);
  void sort_places(std::vector<Place>& places);
  void append_rows(base::Buffer& to, const base::Buffer& rows, const Bucket& bucket) const;
  void append_aggregate(base::Buffer& to, const Bucket& bucket);

  const GroupingPage& page_;
  const Grouping& grouping_;
  bool by_time_ = false;
  TextIndex texts_;  // labels that are no times
  std::vector<std::uint32_t> text_buckets_;
  TextIndex times_;  // tags alone
  std::vector<std::uint32_t> time_buckets_;
  std::vector<std::uint32_t> buckets_of_labels_;
  std::vector<Bucket> buckets_;
  std::vector<std::uint32_t> next_;  // the following row of the same bucket
  std::uint32_t null_bucket_ = kNone;
  std::vector<std::uint32_t> order_;
  std::vector<Decimal> label_values_;
  TextIndex seen_;  // values of a bucket that count once
  base::Buffer key_;
  Decimal total_;
};

std::uint32_t Buckets::bucket_of_label(const GroupingLabels::Label& label) {
  const auto add = [&] {
    Bucket& bucket = buckets_.emplace_back();
    bucket.label = label.text;
    bucket.time = label.time;
    bucket.is_time = by_time_ && label.is_time;
    bucket.is_null = label.is_null;
    return static_cast<std::uint32_t>(buckets_.size() - 1);
  };
  if (label.is_null) {
    if (null_bucket_ == kNone) null_bucket_ = add();
    return null_bucket_;
  }
  if (by_time_ && label.is_time) {
    const bool is_infinite = label.time == kBeforeAllTime || label.time == kBehindAllTime;
    if (page_.labels.are_times_distinct() && !is_infinite) return add();
    const auto found = times_.insert({}, static_cast<std::uint64_t>(label.time));
    if (found.is_new) time_buckets_.push_back(add());
    return time_buckets_[found.number];
  }
  if (page_.labels.are_distinct()) return add();
  const auto found = texts_.insert(label.text, 0);
  if (found.is_new) text_buckets_.push_back(add());
  return text_buckets_[found.number];
}

void Buckets::make_buckets() {
  if (grouping_.group_by.empty()) {
    if (page_.rows.empty()) return;
    buckets_.emplace_back().label = "all";
    buckets_of_labels_.push_back(0);
    return;
  }
  buckets_of_labels_.reserve(page_.labels.size());
  buckets_.reserve(page_.labels.size());
  for (std::uint32_t i = 0; i < page_.labels.size(); ++i)
    buckets_of_labels_.push_back(bucket_of_label(page_.labels.label(i)));
}

void Buckets::add_row(std::uint32_t row, Bucket& bucket) {
  if (bucket.first == kNone) {
    bucket.first = row;
  } else {
    next_[bucket.last] = row;
  }
  bucket.last = row;
}

void Buckets::add_value(std::uint32_t value, std::uint32_t number) {
  Bucket& bucket = buckets_[number];
  const Decimal& decimal = page_.values[value];
  if (grouping_.dedup) {
    key_.clear();
    decimal.append_key(key_);
    if (!seen_.insert(key_.view(), number).is_new) return;
  }
  ++bucket.count;
  switch (grouping_.strategy) {
    case Strategy::min:
      if (bucket.best == kNone || decimal.compare(page_.values[bucket.best]) < 0) bucket.best = value;
      return;
    case Strategy::max:
      if (bucket.best == kNone || decimal.compare(page_.values[bucket.best]) > 0) bucket.best = value;
      return;
    case Strategy::sum:
    case Strategy::cumulative_sum:
    case Strategy::avg:
      return bucket.sum.add(decimal);
    case Strategy::count:
    case Strategy::none:
      return;
  }
}

void Buckets::fill() {
  make_buckets();
  next_.assign(page_.rows.size(), kNone);
  const bool counts_rows = grouping_.aggregation_column.empty();
  std::uint32_t value = 0;
  for (std::uint32_t row = 0; row < page_.rows.size(); ++row) {
    const std::uint32_t number = buckets_of_labels_[page_.rows[row].label];
    add_row(row, buckets_[number]);
    if (counts_rows) {
      ++buckets_[number].count;
    } else if (page_.rows[row].has_value) {
      add_value(value++, number);
    }
  }
}

/// Keys by the labels' values; false when they are not all integers that are short enough for that.
bool Buckets::set_integer_keys(std::vector<Place>& places) const {
  Decimal decimal;
  for (auto& place : places) {
    std::int64_t value = 0;
    if (Decimal::read(buckets_[place.bucket].label, decimal) != Decimal::Reading::number ||
        !decimal.is_short_integer(value)) {
      return false;
    }
    place.key = ordered(value);
  }
  return true;
}

/// False when some label is no number.
bool Buckets::read_labels(const std::vector<Place>& places) {
  label_values_.resize(buckets_.size());
  for (const auto& place : places) {
    if (Decimal::read(buckets_[place.bucket].label, label_values_[place.bucket]) !=
        Decimal::Reading::number) {
      label_values_.clear();
      return false;
    }
  }
  return true;
}

void Buckets::sort_places(std::vector<Place>& places) {
  const auto before = [this](const Place& a, const Place& b) {
    if (a.key != b.key) return a.key < b.key;
    if (!label_values_.empty()) {
      const int compared = label_values_[a.bucket].compare(label_values_[b.bucket]);
      if (compared != 0) return compared < 0;
    }
    return buckets_[a.bucket].label < buckets_[b.bucket].label;
  };
  if (!std::is_sorted(places.begin(), places.end(), before)) std::sort(places.begin(), places.end(), before);
  for (const auto& place : places) order_.push_back(place.bucket);
}

void Buckets::sort() {
  std::vector<Place> times;
  std::vector<Place> texts;
  texts.reserve(buckets_.size());
  for (std::uint32_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i].is_null) continue;
    if (buckets_[i].is_time) {
      times.push_back({ordered(buckets_[i].time), i});
    } else {
      texts.push_back({0, i});
    }
  }
  sort_places(times);
  if (!set_integer_keys(texts)) {
    const bool are_numbers = read_labels(texts);
    for (auto& place : texts) place.key = are_numbers ? 0 : first_bytes(buckets_[place.bucket].label);
  }
  sort_places(texts);
  if (null_bucket_ != kNone) order_.push_back(null_bucket_);
}

void Buckets::append_rows(base::Buffer& to, const base::Buffer& rows, const Bucket& bucket) const {
  for (std::uint32_t row = bucket.first; row != kNone;) {
    if (row != bucket.first) to.push_back(',');
    // Rows that stand beside each other go together, with the commas between them.
    const std::size_t begin = page_.rows[row].begin;
    std::size_t end = begin + page_.rows[row].size;
    for (row = next_[row]; row != kNone && page_.rows[row].begin == end + 1; row = next_[row])
      end += 1 + page_.rows[row].size;
    char* const tail = to.reserve_tail(end - begin);
    // Only now: `to` may be `rows`, and has moved.
    std::memcpy(tail, rows.data() + begin, end - begin);
    to.commit(end - begin);
  }
}

void Buckets::append_aggregate(base::Buffer& to, const Bucket& bucket) {
  switch (grouping_.strategy) {
    case Strategy::none:
      return to.append("null");
    case Strategy::count:
      return base::append_integer(to, bucket.count);
    case Strategy::cumulative_sum:
      total_.add(bucket.sum);
      return total_.append_to(to);
    default:
      break;
  }
  if (bucket.count == 0) return to.append("null");
  if (grouping_.strategy == Strategy::sum) return bucket.sum.append_to(to);
  if (grouping_.strategy == Strategy::avg) return bucket.sum.append_average(to, bucket.count);
  const auto spelling = std::lower_bound(
      page_.spellings.begin(), page_.spellings.end(), bucket.best,
      [](const GroupingPage::Spelling& each, std::uint32_t value) { return each.value < value; });
  if (spelling != page_.spellings.end() && spelling->value == bucket.best) return to.append(spelling->text);
  page_.values[bucket.best].append_to(to);
}

void Buckets::append_to(base::Buffer& to, const base::Buffer& rows) {
  constexpr std::size_t kAroundBucket = 96;
  std::size_t size = 32 + order_.size() * kAroundBucket;
  for (const auto& row : page_.rows) size += row.size + 1;
  to.reserve_tail(size);

  to.append(R"({"grouped":[)");
  std::string time;
  bool first = true;
  for (const std::uint32_t number : order_) {
    const Bucket& bucket = buckets_[number];
    to.append(first ? R"({"label":)" : R"(,{"label":)");
    first = false;
    if (bucket.is_time) {
      time.clear();
      append_time_label(time, bucket.time, page_.labels.granularity());
      base::append_json_string(to, time);
    } else {
      base::append_json_string(to, bucket.label);
    }
    to.append(R"(,"rows":[)");
    append_rows(to, rows, bucket);
    to.append(R"(],"aggregation":)");
    append_aggregate(to, bucket);
    to.push_back('}');
  }
  to.append("]}");
}

}  // namespace

void append_buckets(base::Buffer& to, const base::Buffer& rows, const GroupingPage& page,
                    const Grouping& grouping) {
  Buckets buckets(page, grouping);
  buckets.fill();
  buckets.sort();
  buckets.append_to(to, rows);
}

}  // namespace athena::query
