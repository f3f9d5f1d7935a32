#include "services/telemetry/access_record.h"

#include <gtest/gtest.h>

namespace athena::telemetry {
namespace {

AccessRecord record(std::string_view path, std::string_view id = "r-1", std::string_view client = "shop") {
  AccessRecord result;
  result.method = http::Method::post;
  result.status = 404;
  result.route = "unmatched";
  result.code = "not_found";
  result.request_bytes = 12;
  result.response_bytes = 345;
  result.duration = std::chrono::microseconds(1500);
  result.set_texts(path, id, client, "127.0.0.1");
  return result;
}

TEST(AccessRecord, IsALineOfWords) {
  EXPECT_EQ(access_text(record("/gateway/fetch")),
            "request id=r-1 address=127.0.0.1 method=POST route=unmatched path=/gateway/fetch client=shop "
            "status=404 "
            "code=not_found bytes_in=12 bytes_out=345 duration_ms=1.500");
}

TEST(AccessRecord, IsAnObject) {
  EXPECT_EQ(
      access_json(record("/a\"b")),
      R"({"request_id":"r-1","address":"127.0.0.1","method":"POST","route":"unmatched","path":"/a\\x22b",)"
      R"("client":"shop","status":404,"code":"not_found","bytes_in":12,"bytes_out":345,"duration_ms":1.500})");
}

TEST(AccessRecord, NothingEndsALineOrAddsAWord) {
  const auto line = access_text(record("/a\nb\r\x1b[31m status=200 \x7f\xc3\xa4\"\\", "id\" x", "c\nd"));
  for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7F);
  EXPECT_EQ(line.find(" status=200"), std::string::npos);
  EXPECT_NE(line.find("path=/a\\x0ab\\x0d\\x1b[31m\\x20status=200\\x20\\x7f\\xc3\\xa4\\x22\\x5c"),
            std::string::npos);
  EXPECT_NE(line.find("client=c\\x0ad"), std::string::npos);
}

TEST(AccessRecord, LongTextsAreCut) {
  const auto cut = record(std::string(10'000, 'p'), std::string(500, 'i'), std::string(500, 'c'));
  EXPECT_EQ(cut.path().size(), 1024U);
  EXPECT_EQ(cut.request_id().size(), 128U);
  EXPECT_EQ(cut.client().size(), 64U);
}

}  // namespace
}  // namespace athena::telemetry
