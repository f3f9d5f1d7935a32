#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/grouping.h"
#include "query/row_sink.h"
#include "query/text_index.h"

namespace athena::query {

/// The cells of the column that rows are grouped by: numbers the distinct ones and knows the label of each.
class GroupingLabels {
 public:
  struct Label {
    std::string_view text;  ///< without truncation; of a time in a column of a time type nothing
    std::int64_t time = 0;  ///< in units of the granularity, where is_time
    bool is_time = false;
    bool is_null = false;
  };

  explicit GroupingLabels(Grouping::Granularity granularity) : granularity_(granularity) {}
  /// Forgets all cells. `type_name` is that of the column.
  void begin(std::string_view type_name);

  /// The number of the cell's value: 0, 1, 2 …; different numbers may have the same label.
  std::uint32_t number_of(const Cell& cell);
  [[nodiscard]] const Label& label(std::uint32_t number) const { return labels_[number]; }
  [[nodiscard]] std::size_t size() const { return labels_.size(); }

  /// Whether the cells seen so far make the column one of times, to be truncated: a date or timestamp type
  /// makes it one (what else stands in it keeps its text), or texts that all are times.
  [[nodiscard]] bool by_time() const;
  /// Whether no two of the labels that are no NULL and no time can have the same text.
  [[nodiscard]] bool are_distinct() const { return distinct_; }
  /// The same of the times but for the two infinities.
  [[nodiscard]] bool are_times_distinct() const { return time_type_; }
  [[nodiscard]] Grouping::Granularity granularity() const { return granularity_; }

 private:
  bool find_time(const Cell& cell, std::uint32_t& number);
  void add(const Cell& cell, std::string_view raw);
  std::string_view text_of(const Cell& cell, std::string_view raw, bool& is_null, bool& is_string);
  std::string_view keep(std::string_view text);

  Grouping::Granularity granularity_;
  bool time_type_ = false;
  bool text_type_ = false;
  bool has_times_ = false;
  bool has_others_ = false;
  bool distinct_ = true;
  const ValueFormat* only_format_ = nullptr;  // of the cells that are labels as they stand
  TextIndex cells_;                           // raw texts, tagged with their format
  std::vector<std::uint32_t> cell_numbers_;
  TextIndex times_;  // of a time type: tags alone
  std::vector<std::uint32_t> time_numbers_;
  std::vector<Label> labels_;
  std::pmr::monotonic_buffer_resource memory_;
  base::Buffer rendered_;
  std::string scratch_;
  // Rows often come sorted, so the cell before is tried first.
  const ValueFormat* last_format_ = nullptr;
  std::uint32_t last_cell_ = 0;
  std::uint32_t last_time_ = 0;
  std::string last_prefix_;  // of the text of last_time_, where that tells the unit
};

/// A cell of valid JSON or of a format that has to be written first: the JSON without spaces around it.
std::string_view cell_json(const Cell& cell, base::Buffer& scratch);

}  // namespace athena::query
