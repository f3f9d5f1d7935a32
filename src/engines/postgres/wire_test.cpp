#include "engines/postgres/wire.h"

#include <gtest/gtest.h>

#include <string>

namespace athena::postgres::wire {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Status = Frame::Status;

std::string u32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}
std::string u16(std::uint32_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string frame(char type, const std::string& body) {
  return std::string(1, type) + u32(static_cast<std::uint32_t>(body.size() + 4)) + body;
}
sql::Bind text(std::uint32_t oid, std::string_view value) {
  return {sql::Bind::Kind::text, oid, value};
}
sql::Bind null(std::uint32_t oid) {
  return {sql::Bind::Kind::null, oid, {}};
}

TEST(Wire, GoldenFramesOfTheClient) {
  base::Buffer out;
  const sql::Bind binds[] = {text(20, "42"), null(25)};
  append_parse(out, "s1", "SELECT $1, $2", binds);
  EXPECT_EQ(out.view(),
            "P\0\0\0\x1f"
            "s1\0SELECT $1, $2\0\0\2\0\0\0\x14\0\0\0\x19"sv);
  out.clear();
  append_describe_statement(out, "s1");
  EXPECT_EQ(out.view(), "D\0\0\0\x08Ss1\0"sv);
  out.clear();
  append_bind(out, "s1", binds);
  EXPECT_EQ(out.view(),
            "B\0\0\0\x18\0s1\0\0\0\0\2\0\0\0\2"
            "42\xff\xff\xff\xff\0\0"sv);
  out.clear();
  append_bind(out, "", {});
  EXPECT_EQ(out.view(), "B\0\0\0\x0c\0\0\0\0\0\0\0\0"sv);
  out.clear();
  append_describe_portal(out);
  append_execute(out);
  append_sync(out);
  EXPECT_EQ(out.view(), "D\0\0\0\6P\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\4"sv);
  out.clear();
  append_close_statement(out, "s9");
  append_query(out, "BEGIN");
  append_copy_fail(out, "no");
  EXPECT_EQ(out.view(),
            "C\0\0\0\x08Ss9\0Q\0\0\0\x0a"
            "BEGIN\0f\0\0\0\x07no\0"sv);
}

TEST(Wire, FramesAreFoundAtEverySplitPoint) {
  const std::string stream =
      frame('1', "") + frame('D', u16(1) + u32(3) + "abc") + frame('C', "SELECT 1\0"s) + frame('Z', "I");
  for (std::size_t split = 0; split <= stream.size(); ++split) {
    std::string types;
    std::string received = stream.substr(0, split);
    for (int part = 0; part < 2; ++part) {
      std::size_t begin = 0;
      for (;;) {
        const auto found = next_frame(std::string_view(received).substr(begin));
        if (found.status != Status::whole) {
          ASSERT_EQ(found.status, Status::incomplete);
          if (received.size() - begin >= kHeader) {
            ASSERT_GT(found.size, received.size() - begin);
          }
          break;
        }
        types += found.type;
        begin += found.size;
      }
      received.erase(0, begin);
      if (part == 0) received += stream.substr(split);
    }
    EXPECT_EQ(types, "1DCZ") << "split at " << split;
    EXPECT_TRUE(received.empty());
  }
}

TEST(Wire, LengthsThatCannotBe) {
  EXPECT_EQ(next_frame("D\0\0\0\3"sv).status, Status::malformed);
  EXPECT_EQ(next_frame("D\0\0\0\0"sv).status, Status::malformed);
  EXPECT_EQ(next_frame("D\xff\xff\xff\xff"sv).status, Status::too_large);
  const std::string just_right = "D" + u32(kMaxFrame + 4);
  EXPECT_EQ(next_frame(just_right).status, Status::incomplete);
  const std::string one_more = "D" + u32(kMaxFrame + 5);
  EXPECT_EQ(next_frame(one_more).status, Status::too_large);
}

TEST(Wire, Rows) {
  const query::ValueFormat number{query::ValueFormat::Kind::number}, string{};
  const query::ValueFormat* const formats[] = {&number, &string, &string};
  query::Cell cells[3];
  const std::string good = u16(3) + u32(2) + "17" + u32(0xFFFFFFFF) + u32(0);
  ASSERT_TRUE(read_row(good, formats, cells));
  EXPECT_EQ(cells[0].text, "17");
  EXPECT_EQ(cells[0].format, &number);
  EXPECT_EQ(cells[1].format, nullptr);
  EXPECT_EQ(cells[2].text, "");
  EXPECT_EQ(cells[2].format, &string);
  EXPECT_EQ(row_width(good), 3);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_FALSE(read_row(std::string_view(good).substr(0, cut), formats, cells)) << cut;
  }
  EXPECT_FALSE(read_row(good + "x", formats, cells));
  EXPECT_FALSE(read_row(u16(2) + u32(0) + u32(0), formats, cells));
  EXPECT_FALSE(read_row(u16(3) + u32(0x7FFFFFFF) + "17", formats, cells));
}

TEST(Wire, RowDescription) {
  const std::string good = u16(2) + "id\0"s + u32(16384) + u16(1) + u32(20) + u16(8) + u32(0xFFFFFFFF) +
                           u16(0) + "?column?\0"s + u32(0) + u16(0) + u32(705) + u16(0xFFFE) +
                           u32(0xFFFFFFFF) + u16(0);
  std::vector<ColumnDescription> columns;
  ASSERT_TRUE(read_row_description(good, columns));
  ASSERT_EQ(columns.size(), 2U);
  EXPECT_EQ(columns[0].name, "id");
  EXPECT_EQ(columns[0].table_oid, 16384U);
  EXPECT_EQ(columns[0].attribute, 1);
  EXPECT_EQ(columns[0].type_oid, 20U);
  EXPECT_EQ(columns[1].name, "?column?");
  EXPECT_EQ(columns[1].type_oid, 705U);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_FALSE(read_row_description(std::string_view(good).substr(0, cut), columns)) << cut;
  }
  // A count that promises more than there is must not make it reserve memory for 65535 columns.
  EXPECT_FALSE(read_row_description(u16(0xFFFF), columns));
  EXPECT_EQ(columns.capacity() < 1000, true);
}

TEST(Wire, Errors) {
  const auto fields = read_error(
      "SFEHLER\0VERROR\0C23505\0Mdoppelter Schl\xc3\xbcssel\0DKey "
      "(id)=(1)\0Hhint\0P7\0spublic\0tt\0cid\0dint8\0nt_pkey\0"
      "Fnbtinsert.c\0L666\0R_bt_check_unique\0\0"sv);
  EXPECT_EQ(fields.severity, "ERROR");  // the one that is not translated
  EXPECT_EQ(fields.sql_state, "23505");
  EXPECT_EQ(fields.message, "doppelter Schl\xc3\xbcssel");
  EXPECT_EQ(fields.detail, "Key (id)=(1)");
  EXPECT_EQ(fields.hint, "hint");
  EXPECT_EQ(fields.position, "7");
  EXPECT_EQ(fields.schema, "public");
  EXPECT_EQ(fields.table, "t");
  EXPECT_EQ(fields.column, "id");
  EXPECT_EQ(fields.constraint, "t_pkey");
  EXPECT_EQ(fields.routine, "_bt_check_unique");
  EXPECT_EQ(read_error("").sql_state, "");
  EXPECT_EQ(read_error("C2350").sql_state, "");  // not ended: not trusted
}

TEST(Wire, CommandTags) {
  std::string_view command;
  EXPECT_EQ(read_command_tag("INSERT 0 5\0"sv, command), 5);
  EXPECT_EQ(command, "INSERT");
  EXPECT_EQ(read_command_tag("SELECT 1000\0"sv, command), 1000);
  EXPECT_EQ(read_command_tag("BEGIN\0"sv, command), 0);
  EXPECT_EQ(command, "BEGIN");
  EXPECT_EQ(read_command_tag("CREATE TABLE\0"sv, command), 0);
  EXPECT_EQ(read_command_tag("UPDATE 99999999999999999999999\0"sv, command), 0);
  EXPECT_EQ(read_command_tag(""sv, command), 0);
  EXPECT_EQ(read_command_tag("UPDATE "sv, command), 0);
}

}  // namespace
}  // namespace athena::postgres::wire
