#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/decimal.h"
#include "query/grouping.h"
#include "query/grouping_labels.h"

namespace athena::query {

/// What grouping remembers of the rows of a page.
struct GroupingPage {
  struct Row {
    std::size_t begin;    ///< of its JSON, in the buffer of the rows
    std::uint32_t size;   ///< of its JSON
    std::uint32_t label;  ///< a number of `labels`; 0 when there is no column to group by
    bool has_value;       ///< `values` holds one for it
  };
  /// The text of a value that its Decimal would write differently.
  struct Spelling {
    std::uint32_t value;
    std::string text;
  };

  explicit GroupingPage(Grouping::Granularity granularity) : labels(granularity) {}

  GroupingLabels labels;
  std::vector<Row> rows;
  std::vector<Decimal> values;      ///< in the order of the rows
  std::vector<Spelling> spellings;  ///< in the order of the values; kept for min and max
};

/// Appends `{"grouped":[…]}` to `to`. The rows' JSON is taken from `rows`, which may be the same buffer.
void append_buckets(base::Buffer& to, const base::Buffer& rows, const GroupingPage& page,
                    const Grouping& grouping);

}  // namespace athena::query
