#include "api/accept.h"

#include <gtest/gtest.h>

namespace athena::api {
namespace {

TEST(Accept, ChoosesByQuality) {
  EXPECT_EQ(accepted_format(""), Format::json);
  EXPECT_EQ(accepted_format("*/*"), Format::json);
  EXPECT_EQ(accepted_format("text/csv"), Format::csv);
  EXPECT_EQ(accepted_format("Text/CSV; charset=utf-8"), Format::csv);
  EXPECT_EQ(accepted_format("application/x-ndjson"), Format::ndjson);
  EXPECT_EQ(accepted_format("text/*"), Format::csv);
  EXPECT_EQ(accepted_format("application/*"), Format::json);
  EXPECT_EQ(accepted_format("application/json;q=0.5, text/csv;q=0.9"), Format::csv);
  EXPECT_EQ(accepted_format("application/json, text/csv"), Format::json);
  EXPECT_EQ(accepted_format("*/*;q=0.1, application/x-ndjson ; q=0.2"), Format::ndjson);
  EXPECT_EQ(accepted_format("application/*, application/json;q=0"), Format::ndjson);
}

TEST(Accept, FallsBackToJson) {
  EXPECT_EQ(accepted_format("image/png"), Format::json);
  EXPECT_EQ(accepted_format("text/csv;q=0"), Format::json);
  EXPECT_EQ(accepted_format("text/csv;q=2"), Format::json);
  EXPECT_EQ(accepted_format("text/csv;q=x, ,;;,/"), Format::json);
}

}  // namespace
}  // namespace athena::api
