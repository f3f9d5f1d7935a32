#include "engines/sqlite/like.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "engines/sqlite/case_fold.h"

namespace athena::sqlite {
namespace {

struct Row {
  const char* pattern;
  const char* text;
  bool like;
  bool ilike;
};

// As PostgreSQL answers in a UTF-8 database; where its lower() and case folding differ, as folding says.
const Row kTable[] = {
    {"", "", true, true},
    {"", "a", false, false},
    {"%", "", true, true},
    {"%%", "abc", true, true},
    {"_", "", false, false},
    {"_", "a", true, true},
    {"_", "é", true, true},
    {"_", "日", true, true},
    {"__", "é", false, false},
    {"a", "a", true, true},
    {"a", "A", false, true},
    {"a%", "abc", true, true},
    {"%c", "abc", true, true},
    {"%b%", "abc", true, true},
    {"a%c", "abbbbc", true, true},
    {"a%c", "abbbbcd", false, false},
    {"a_c", "abc", true, true},
    {"a_c", "abbc", false, false},
    {"%a%b%c%", "xxaxxbxxcxx", true, true},
    {"%a%b%c%", "xxcxxbxxaxx", false, false},
    {"%ab", "aab", true, true},
    {"%aab", "aaaab", true, true},
    {"100\\%", "100%", true, true},
    {"100\\%", "1000", false, false},
    {"a\\_b", "a_b", true, true},
    {"a\\_b", "axb", false, false},
    {"\\a", "a", true, true},
    {"\\\\", "\\", true, true},
    {"a\\%%", "a%bc", true, true},
    {"É%", "Élan", true, true},
    {"é%", "Élan", false, true},
    {"ÉLAN", "élan", false, true},
    {"straße", "STRAẞE", false, true},
    {"ΣΊΣΥΦΟΣ", "σίσυφος", false, true},
    {"привет", "ПРИВЕТ", false, true},
    {"ա%", "ԱԲ", false, true},
    {"%_%", "a", true, true},
    {"%_", "", false, false},
    {"_%_", "a", false, false},
    {"日_語", "日本語", true, true},
    {"%本%", "日本語", true, true},
    {"a b", "a\nb", false, false},
    {"a%b", "a\nb", true, true},
    {"a_b", "a\nb", true, true},
    {"K", "\xE2\x84\xAA", false, true},  // KELVIN SIGN folds to k
};

LikePattern::Match match(std::string_view pattern, std::string_view text, LikePattern::Case sensitivity) {
  const auto compiled = LikePattern::compile(pattern, sensitivity);
  EXPECT_TRUE(compiled.has_value()) << pattern;
  return compiled->matches(text, {});
}

TEST(Like, Table) {
  for (const auto& row : kTable) {
    EXPECT_EQ(match(row.pattern, row.text, LikePattern::Case::sensitive) == LikePattern::Match::yes, row.like)
        << row.pattern << " like " << row.text;
    EXPECT_EQ(match(row.pattern, row.text, LikePattern::Case::folded) == LikePattern::Match::yes, row.ilike)
        << row.pattern << " ilike " << row.text;
  }
}

TEST(Like, LoneEscapeAtTheEndIsRefused) {
  EXPECT_FALSE(LikePattern::compile("a\\", LikePattern::Case::sensitive));
  EXPECT_FALSE(LikePattern::compile("\\", LikePattern::Case::folded));
  EXPECT_TRUE(LikePattern::compile("a\\\\", LikePattern::Case::sensitive));
}

TEST(Like, BytesThatAreNoUtf8EqualOnlyThemselves) {
  EXPECT_EQ(match("\xFF", "\xFF", LikePattern::Case::sensitive), LikePattern::Match::yes);
  EXPECT_EQ(match("\xFF", "\xFE", LikePattern::Case::folded), LikePattern::Match::no);
  EXPECT_EQ(match("_%", "\xC3", LikePattern::Case::sensitive), LikePattern::Match::yes);
  EXPECT_EQ(match("__", "\xE2\x82", LikePattern::Case::sensitive), LikePattern::Match::yes);
}

TEST(Like, ManyWildcardsAreNotExponential) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "%a";
  pattern += "%b";
  const std::string text(20000, 'a');
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(match(pattern, text, LikePattern::Case::sensitive), LikePattern::Match::no);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
}

TEST(Like, StopsWhenAsked) {
  const std::string text(1 << 20, 'a');
  const std::string pattern = "%" + std::string(1000, 'a') + "b";
  const auto compiled = LikePattern::compile(pattern, LikePattern::Case::sensitive);
  ASSERT_TRUE(compiled);
  int asked = 0;
  EXPECT_EQ(compiled->matches(text, [&asked] { return ++asked == 3; }), LikePattern::Match::interrupted);
  EXPECT_EQ(asked, 3);
}

TEST(CaseFold, KnownPairs) {
  EXPECT_EQ(fold_case('A'), U'a');
  EXPECT_EQ(fold_case('a'), U'a');
  EXPECT_EQ(fold_case('['), U'[');
  EXPECT_EQ(fold_case(0xC9), 0xE9U);    // É
  EXPECT_EQ(fold_case(0xD7), 0xD7U);    // × lies between letters
  EXPECT_EQ(fold_case(0x100), 0x101U);  // stride 2
  EXPECT_EQ(fold_case(0x101), 0x101U);
  EXPECT_EQ(fold_case(0x3C2), 0x3C3U);      // final sigma
  EXPECT_EQ(fold_case(0x10400), 0x10428U);  // Deseret, outside the first plane
  EXPECT_EQ(fold_case(0x10FFFF), 0x10FFFFU);
  EXPECT_EQ(fold_case(0x1100FF), 0x1100FFU);  // a byte that is no character
}

TEST(CaseFold, FoldingTwiceChangesNothing) {
  for (std::uint32_t c = 0; c < 0x110000; ++c) ASSERT_EQ(fold_case(fold_case(c)), fold_case(c)) << c;
}

}  // namespace
}  // namespace athena::sqlite
