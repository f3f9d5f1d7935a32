#include "services/control/cursor.h"

#include <gtest/gtest.h>

namespace athena::control {
namespace {

TEST(Cursors, GiveBackWhatWasSigned) {
  const Cursors cursors("secret");
  for (const std::string place : {"", "17", "2026-03-01T08:00:00.123Z 4711", "ü\n"})
    EXPECT_EQ(cursors.verify("keys", cursors.sign("keys", place)), place);
}

TEST(Cursors, OfAnotherListOrKeyAreNone) {
  const Cursors cursors("secret");
  const auto cursor = cursors.sign("keys", "17");
  EXPECT_FALSE(cursors.verify("logs", cursor));
  EXPECT_FALSE(Cursors("other").verify("keys", cursor));
  EXPECT_FALSE(Cursors().verify("keys", cursor));
}

TEST(Cursors, ChangedByOneCharacterAreNone) {
  const Cursors cursors("secret");
  const auto cursor = cursors.sign("keys", "17");
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    auto changed = cursor;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(cursors.verify("keys", changed)) << i;
  }
  for (const std::string text : {"", "0", "zz", "00", "4711x"})
    EXPECT_FALSE(cursors.verify("keys", text)) << text;
  EXPECT_FALSE(cursors.verify("keys", cursor + "00"));
  EXPECT_FALSE(cursors.verify("keys", std::string(5000, '0')));
}

}  // namespace
}  // namespace athena::control
