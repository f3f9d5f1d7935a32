// link: athena_query
// Post-processing of rows with any content: decimals, times, labels and the grouped reply hold together, and
// CSV fields read back as what they were.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/json_validator.h"
#include "base/json_writer.h"
#include "query/csv_sink.h"
#include "query/decimal.h"
#include "query/grouping_sink.h"
#include "query/time_label.h"

namespace {

using namespace athena;
using query::Cell;
using query::Decimal;
using query::Grouping;
using query::ValueFormat;

void require(bool condition) {
  if (!condition) std::abort();
}

void append_string(base::Buffer& out, std::string_view raw, const ValueFormat& /*self*/) {
  base::append_json_string(out, raw);
}

const ValueFormat kNumber{.kind = ValueFormat::Kind::number};
const ValueFormat kBoolean{.kind = ValueFormat::Kind::boolean_tf};
const ValueFormat kString{.kind = ValueFormat::Kind::string};
const ValueFormat kJson{.kind = ValueFormat::Kind::json};
const ValueFormat kCustom{.kind = ValueFormat::Kind::custom, .append_json = append_string};

class Source final : public query::RowSource {
 public:
  void resume() override {}
};

void check_decimal(std::string_view text) {
  Decimal value;
  if (Decimal::read(text, value) != Decimal::Reading::number) return;
  base::Buffer written;
  value.append_to(written);
  require(written.size() <= 1003 && base::is_json(written.view()));
  Decimal again;
  require(Decimal::read(written.view(), again) == Decimal::Reading::number);
  require(value.compare(again) == 0);
  base::Buffer twice;
  again.append_to(twice);
  require(twice.view() == written.view());
  // The double of a value, divided by two, is the value again, but for digits behind the 16th.
  again.add(value);
  base::Buffer average;
  again.append_average(average, 2);
  require(base::is_json(average.view()));
  base::Buffer own;
  value.append_average(own, 1);
  require(own.view() == average.view());
}

void check_time(std::string_view text) {
  const auto time = query::read_time(text);
  if (!time) return;
  for (const auto granularity :
       {Grouping::Granularity::day, Grouping::Granularity::hour, Grouping::Granularity::minute}) {
    std::string label;
    query::append_time_label(label, query::truncate_time(*time, granularity), granularity);
    const auto again = query::read_time(label);
    // An offset may lead to the year before or behind the last one that is read.
    if (again) require(query::truncate_time(*again, granularity) == query::truncate_time(*time, granularity));
    require(again || label.size() > 16);
  }
}

Cell cell(std::uint8_t form, std::string_view text) {
  switch (form % 7) {
    case 0:
      return {};
    case 1: {
      // What an engine calls a number is one.
      const bool is_number = !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
      return {text, is_number && base::is_json(text) ? &kNumber : &kString};
    }
    case 2:
      return {text, &kBoolean};
    case 3:
      return {text, base::is_json(text) ? &kJson : &kString};
    case 4:
      return {text, &kCustom};
    default:
      return {text, &kString};
  }
}

void check_grouped(std::string_view json, std::int64_t rows) {
  std::pmr::monotonic_buffer_resource memory;
  const auto parsed = base::parse_json(json, memory);
  if (!parsed) {
    // Cells may be nested nearly as deep as JSON may be.
    require(json.find("[[[") != std::string_view::npos || json.find('{') != std::string_view::npos);
    return;
  }
  const base::JsonNode* grouped = (*parsed)->find("grouped");
  require(grouped != nullptr && grouped->is_array());
  std::int64_t seen = 0;
  for (const auto* bucket : grouped->items) {
    require(bucket->find("label") != nullptr && bucket->find("label")->is_string());
    require(bucket->find("rows") != nullptr && !bucket->find("rows")->items.empty());
    const base::JsonNode* aggregation = bucket->find("aggregation");
    require(aggregation != nullptr && (aggregation->is_null() || aggregation->is_number()));
    seen += static_cast<std::int64_t>(bucket->find("rows")->items.size());
  }
  require(seen == rows);
}

void run(std::string_view input) {
  if (input.size() < 2) return;
  const auto control = static_cast<std::uint8_t>(input[0]);
  const auto type = static_cast<std::uint8_t>(input[1]);
  input.remove_prefix(2);
  const Grouping grouping{.group_by = (control & 1) != 0 ? "g" : "",
                          .granularity = static_cast<Grouping::Granularity>(control >> 1 & 3),
                          .aggregation_column = (control & 8) != 0 ? "v" : "",
                          .strategy = static_cast<Grouping::Strategy>((control >> 4) % 7),
                          .dedup = (type & 8) != 0};
  constexpr std::string_view kTypes[] = {"", "text", "timestamptz", "int4"};
  const query::OutputColumn columns[] = {{.name = "g", .type_name = kTypes[type & 3]},
                                         {.name = "v", .type_name = ""}};
  const query::RowShape shape{.columns = columns, .resource_id = {}};
  Source source;
  base::Buffer out;
  base::Buffer csv_out;
  query::JsonRowSink json(out, {});
  query::GroupingSink sink(json, out, grouping, false);
  query::CsvRowSink csv(csv_out, false);
  sink.begin(shape, source);
  csv.begin(shape, source);
  // Rows are lines: a byte for the forms of the cells, then the two texts with a tab between them.
  while (!input.empty()) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    std::string_view line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    if (line.empty()) continue;
    const auto forms = static_cast<std::uint8_t>(line[0]);
    line.remove_prefix(1);
    const std::size_t tab = std::min(line.find('\t'), line.size());
    const std::string_view group = line.substr(0, tab);
    const std::string_view value = line.substr(std::min(tab + 1, line.size()));
    check_decimal(value);
    check_time(group);
    const Cell cells[] = {cell(forms & 15, group), cell(forms >> 4, value)};
    csv.row(cells);
    if (sink.row(cells) == query::RowFlow::stop) break;
  }
  (void)sink.notice();
  const std::size_t before = out.size();
  sink.append_grouped(out);
  if (sink.failure()) {
    require(out.size() == before);
  } else {
    check_grouped(out.view().substr(before), json.rows_written());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run({reinterpret_cast<const char*>(data), size});
  return 0;
}
