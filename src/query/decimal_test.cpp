#include "query/decimal.h"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <random>
#include <vector>

namespace athena::query {
namespace {

using boost::multiprecision::cpp_int;

std::string text(const Decimal& value) {
  base::Buffer out;
  value.append_to(out);
  return std::string(out.view());
}

Decimal decimal(std::string_view from) {
  Decimal value;
  EXPECT_EQ(Decimal::read(from, value), Decimal::Reading::number) << from;
  return value;
}

std::string sum(const std::vector<std::string>& values) {
  Decimal total;
  for (const auto& value : values) total.add(decimal(value));
  return text(total);
}

std::string average(const std::vector<std::string>& values) {
  Decimal total;
  for (const auto& value : values) total.add(decimal(value));
  base::Buffer out;
  total.append_average(out, static_cast<std::int64_t>(values.size()));
  return std::string(out.view());
}

std::string key(std::string_view value) {
  base::Buffer out;
  decimal(value).append_key(out);
  return std::string(out.view());
}

TEST(Decimal, ReadsAndWritesPlainNotation) {
  const std::pair<std::string_view, std::string> cases[] = {
      {"0", "0"},
      {"-0", "0"},
      {"-0.00", "0.00"},
      {"10", "10"},
      {"1.50", "1.50"},
      {"-0.05", "-0.05"},
      {"007", "7"},
      {"+5", "5"},
      {" 5.0  ", "5.0"},
      {".5", "0.5"},
      {"5.", "5"},
      {"1e3", "1000"},
      {"1.5e1", "15"},
      {"1.25e1", "12.5"},
      {"1e-7", "0.0000001"},
      {"1.10E-2", "0.0110"},
      {"0e5", "0"},
      {"0e-5", "0.00000"},
      {"1e+20", "100000000000000000000"},
      {"9223372036854775808", "9223372036854775808"},
      {"-170141183460469231731687303715884105729", "-170141183460469231731687303715884105729"},
      {"123456789012345678901234567890.10", "123456789012345678901234567890.10"},
      {"5e-324", "0." + std::string(323, '0') + "5"},
      {"1.7976931348623157e+308", "17976931348623157" + std::string(292, '0')},
      {"999999999999999999", "999999999999999999"},
      {"1000000000000000000", "1000000000000000000"},
      {"0.000000000000000000000000000000000001", "0.000000000000000000000000000000000001"},
  };
  for (const auto& [from, to] : cases) EXPECT_EQ(text(decimal(from)), to) << from;
}

TEST(Decimal, WhatIsNoNumber) {
  for (const std::string_view bad :
       {"",    " ",    "-",        "+",         ".",   "e5",   "1e",    "1e+", "1.5.2", "1,5",
        "NaN", "nan",  "Infinity", "-Infinity", "inf", "0x10", "1_000", "abc", "5 6",   "--5",
        "t",   "true", "[5]",      "1e5.5",     "1\n", "\t1",  "$1.00", "١"}) {
    Decimal value = decimal("42");
    EXPECT_EQ(Decimal::read(bad, value), Decimal::Reading::no_number) << bad;
    EXPECT_EQ(text(value), "42");
  }
}

TEST(Decimal, AThousandDigitsAreTheLimit) {
  const auto reading = [](const std::string& from) {
    Decimal value;
    return Decimal::read(from, value);
  };
  for (const std::string& good : {
           std::string(1000, '9'),
           "-" + std::string(999, '9') + ".9",
           "0." + std::string(999, '0') + "1",
           std::string("1e999"),
           std::string("1e-1000"),
           std::string("0e999999999999999999999999"),
           std::string(5000, '0') + "1",
           std::string("12345e-995"),
       }) {
    EXPECT_EQ(reading(good), Decimal::Reading::number) << good.substr(0, 40);
    EXPECT_LE(text(decimal(good)).size(), 1003U);
  }
  for (const std::string& long_one : {
           std::string(1001, '9'),
           std::string(1000, '9') + ".0",
           "0." + std::string(1000, '0') + "1",
           std::string("1e1000"),
           std::string("1e-1001"),
           std::string("0e-1001"),
           std::string("1e999999"),
           std::string("1e-999999"),
           std::string("1e99999999999999999999999999999999"),
           std::string("-1E-99999999999999999999999999999999"),
           std::string(1'000'000, '1'),
       }) {
    EXPECT_EQ(reading(long_one), Decimal::Reading::too_long) << long_one.substr(0, 40);
  }
}

TEST(Decimal, SumsKeepTheLargestScale) {
  EXPECT_EQ(sum({"5", "7.10"}), "12.10");
  EXPECT_EQ(sum({"10.50", "2.25"}), "12.75");
  EXPECT_EQ(sum({"12.75", "4.00"}), "16.75");
  EXPECT_EQ(sum({"0.1", "0.2"}), "0.3");
  EXPECT_EQ(sum({"1.000", "1"}), "2.000");
  EXPECT_EQ(sum({"1", "-1.00"}), "0.00");
  EXPECT_EQ(sum({"1e20", "1e-7"}), "100000000000000000000.0000001");
  EXPECT_EQ(sum({"1e30", "1e-30"}), "1" + std::string(30, '0') + "." + std::string(29, '0') + "1");
  EXPECT_EQ(sum({"9223372036854775807", "9223372036854775807"}), "18446744073709551614");
  EXPECT_EQ(sum({"170141183460469231731687303715884105727", "1"}), "170141183460469231731687303715884105728");
  EXPECT_EQ(sum({}), "0");
  const std::string nines(1000, '9');
  EXPECT_EQ(sum({nines, "1"}), "1" + std::string(1000, '0'));
  EXPECT_EQ(sum({nines, "0." + nines.substr(0, 999) + "9"}), nines + "." + nines);
}

TEST(Decimal, AveragesAreRoundedHalfToEven) {
  EXPECT_EQ(average({"5", "7.10"}), "6.05");
  EXPECT_EQ(average({"5"}), "5");
  EXPECT_EQ(average({"100", "300"}), "200");
  EXPECT_EQ(average({"1", "1", "2"}), "1.3333333333333333");
  EXPECT_EQ(average({"1", "2", "2"}), "1.6666666666666667");
  EXPECT_EQ(average({"-1", "-2", "-2"}), "-1.6666666666666667");
  // Halves of the last digit go to the even side.
  EXPECT_EQ(average({"0.00000000000000005"}), "0");
  EXPECT_EQ(average({"0.00000000000000015"}), "0.0000000000000002");
  EXPECT_EQ(average({"-0.00000000000000015"}), "-0.0000000000000002");
  EXPECT_EQ(average({"-0.00000000000000005"}), "0");
  EXPECT_EQ(average({"0.00000000000000025"}), "0.0000000000000002");
  EXPECT_EQ(average({"0.000000000000000050000000000000000000000000000000001"}), "0.0000000000000001");
  EXPECT_EQ(average({"0.0000000000000001", "0"}), "0");
  EXPECT_EQ(average({"0.0000000000000003", "0"}), "0.0000000000000002");
  EXPECT_EQ(average({std::string(1000, '9'), std::string(1000, '9')}), std::string(1000, '9'));
  EXPECT_EQ(average({"1e-1000"}), "0");
}

TEST(Decimal, KeysAreThoseOfTheValue) {
  for (const std::string_view same : {"5", "5.0", "5.000", "05", "+5", "0.5e1", "50e-1"})
    EXPECT_EQ(key(same), "5");
  for (const std::string_view same : {"0", "-0", "0.00", "0e7", "-0e-7"}) EXPECT_EQ(key(same), "0");
  EXPECT_EQ(key("100"), key("1e2"));
  EXPECT_NE(key("100"), key("1"));
  EXPECT_NE(key("0.5"), key("5"));
  EXPECT_NE(key("-5"), key("5"));
  EXPECT_EQ(key("1" + std::string(50, '0') + ".00"), key("1e50"));
}

TEST(Decimal, Compares) {
  const std::string_view ascending[] = {"-1e999", "-1e40", "-10", "-9.5", "-1e-40", "0",    "1e-1000",
                                        "1e-40",  "0.5",   "9",   "9.01", "10",     "1e40", "1e999"};
  for (std::size_t a = 0; a < std::size(ascending); ++a) {
    for (std::size_t b = 0; b < std::size(ascending); ++b) {
      const int compared = decimal(ascending[a]).compare(decimal(ascending[b]));
      EXPECT_EQ(compared < 0, a < b) << ascending[a] << ' ' << ascending[b];
      EXPECT_EQ(compared > 0, a > b) << ascending[a] << ' ' << ascending[b];
    }
  }
  EXPECT_EQ(decimal("5").compare(decimal("5.000")), 0);
  EXPECT_EQ(decimal("1e30").compare(decimal("1" + std::string(30, '0') + "." + std::string(30, '0'))), 0);
}

TEST(Decimal, ShortIntegers) {
  std::int64_t value = 0;
  EXPECT_TRUE(decimal("-42").is_short_integer(value));
  EXPECT_EQ(value, -42);
  EXPECT_TRUE(decimal("999999999999999999").is_short_integer(value));
  EXPECT_FALSE(decimal("1000000000000000000").is_short_integer(value));
  EXPECT_FALSE(decimal("4.0").is_short_integer(value));
  EXPECT_FALSE(decimal("1e50").is_short_integer(value));
}

/// A number of the test's own: unscaled integer and scale, with its text.
struct Reference {
  cpp_int unscaled;
  int scale = 0;
  std::string text;
};

Reference random_number(std::mt19937& random, int max_digits) {
  Reference number;
  const int digits = 1 + static_cast<int>(random() % static_cast<unsigned>(max_digits));
  number.scale = static_cast<int>(random() % static_cast<unsigned>(digits + 3));
  std::string all;
  for (int i = 0; i < digits; ++i) all += static_cast<char>('0' + random() % 10);
  for (const char c : all) number.unscaled = number.unscaled * 10 + (c - '0');
  while (static_cast<int>(all.size()) <= number.scale) all.insert(all.begin(), '0');
  number.text = all.substr(0, all.size() - static_cast<std::size_t>(number.scale));
  if (number.scale > 0) number.text += '.' + all.substr(all.size() - static_cast<std::size_t>(number.scale));
  if (random() % 2 == 0) {
    number.unscaled = -number.unscaled;
    number.text.insert(number.text.begin(), '-');
  }
  return number;
}

cpp_int at_scale(const Reference& number, int scale) {
  return number.unscaled *
         boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(scale - number.scale));
}

std::string written(const cpp_int& unscaled, int scale) {
  std::string digits = cpp_int(abs(unscaled)).str();
  while (static_cast<int>(digits.size()) <= scale) digits.insert(digits.begin(), '0');
  std::string result = digits.substr(0, digits.size() - static_cast<std::size_t>(scale));
  if (scale > 0) result += '.' + digits.substr(digits.size() - static_cast<std::size_t>(scale));
  return unscaled < 0 ? '-' + result : result;
}

TEST(Decimal, RandomNumbersAgreeWithIntegersOfAnySize) {
  std::mt19937 random(20260301);
  for (int round = 0; round < 20000; ++round) {
    const int max_digits = round % 4 == 0 ? 300 : round % 4 == 1 ? 40 : 12;
    std::vector<Reference> numbers;
    for (auto n = 1 + random() % 6; n > 0; --n) numbers.push_back(random_number(random, max_digits));
    int scale = 0;
    for (const auto& number : numbers) scale = std::max(scale, number.scale);
    cpp_int total = 0;
    Decimal sum_of_all;
    for (const auto& number : numbers) {
      total += at_scale(number, scale);
      sum_of_all.add(decimal(number.text));
    }
    ASSERT_EQ(text(sum_of_all), written(total, scale));

    const auto& a = numbers.front();
    const auto& b = numbers.back();
    const int compared = at_scale(a, scale).compare(at_scale(b, scale));
    const int got = decimal(a.text).compare(decimal(b.text));
    ASSERT_EQ(compared < 0, got < 0) << a.text << ' ' << b.text;
    ASSERT_EQ(compared > 0, got > 0) << a.text << ' ' << b.text;
    ASSERT_EQ(compared == 0, key(a.text) == key(b.text)) << a.text << ' ' << b.text;

    // |average − exact| ≤ ½ · 10^-16, and even where it is just that.
    base::Buffer out;
    sum_of_all.append_average(out, static_cast<std::int64_t>(numbers.size()));
    const std::string mean(out.view());
    Reference read;
    std::string digits = mean;
    const std::size_t point = mean.find('.');
    if (point != std::string::npos) {
      ASSERT_NE(mean.back(), '0');
      read.scale = static_cast<int>(mean.size() - point - 1);
      digits.erase(point, 1);
    }
    ASSERT_LE(read.scale, 16);
    for (const char c : digits)
      if (c != '-') read.unscaled = read.unscaled * 10 + (c - '0');
    if (mean.starts_with('-')) read.unscaled = -read.unscaled;
    const int common = std::max(scale, 16);
    const cpp_int power = boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(common - scale));
    const cpp_int error = abs(at_scale(read, common) * numbers.size() - total * power) * 2;
    const cpp_int unit =
        boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(common - 16)) * numbers.size();
    ASSERT_LE(error, unit) << mean;
    if (error == unit) {
      ASSERT_EQ(at_scale(read, 16) % 2, 0) << mean;
    }
  }
}

}  // namespace
}  // namespace athena::query
