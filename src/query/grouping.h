#pragma once

#include <cstdint>
#include <string_view>

namespace athena::query {

/// Post-processing of a page of rows: buckets by the output key of one column, and one aggregate a bucket.
struct Grouping {
  enum class Granularity : std::uint8_t { none, day, hour, minute };
  enum class Strategy : std::uint8_t { none, cumulative_sum, sum, avg, min, max, count };

  std::string_view group_by = {};  ///< empty = one bucket labelled `all`
  Granularity granularity = Granularity::none;
  std::string_view aggregation_column = {};  ///< empty = none
  Strategy strategy = Strategy::none;        ///< none = no aggregate
  bool dedup = false;                        ///< numerically equal values of a bucket count once
};

}  // namespace athena::query
