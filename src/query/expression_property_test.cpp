#include <gtest/gtest.h>

#include <random>

#include "base/json_writer.h"
#include "query/parse_test_support.h"

// Random trees are written as expressions and must read back as what they are.

namespace athena::query {
namespace {

using Random = std::mt19937;

std::size_t pick(Random& random, std::size_t count) {
  return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
}
bool chance(Random& random, double share) {
  return std::bernoulli_distribution(share)(random);
}

/// Where the text stands: what may be left bare depends on it.
enum class Place { top, group, negation };

class Writer {
 public:
  explicit Writer(unsigned seed) : random_(seed) {}

  /// The text, and in `tree` what it stands for, as test::dump writes it.
  std::string terms(std::string_view joint, Place place, int depth, std::string& tree) {
    std::string text;
    tree = "(";
    const std::size_t count = 1 + pick(random_, 4);
    for (std::size_t i = 0; i < count; ++i) {
      std::string child;
      if (i > 0) text += chance(random_, 0.2) ? ",  " : ",";
      text += term(place, depth, child);
      tree += (i > 0 ? " " + std::string(joint) + " " : "") + child;
    }
    tree += ")";
    return text;
  }

  std::string term(Place place, int depth, std::string& tree) {
    bool negated = chance(random_, 0.3);
    std::string text = negated ? "not." : "";
    std::string inner;
    if (depth > 0 && chance(random_, 0.4)) {
      const bool any = chance(random_, 0.5);
      text += any ? "or(" : "and(";
      text += terms(any ? "or" : "and", Place::group, depth - 1, inner) + ")";
    } else {
      bool inverted = false;
      text += filter(place, inner, inverted);
      negated = negated != inverted;
    }
    tree = (negated ? "not " : "") + inner;
    return text;
  }

 private:
  std::string any_text() {
    static const std::vector<std::string> kPieces = {"a",  "7",    " ",    ",",   ")",    "(",
                                                     "{",  "}",    "\"",   "\\",  ".",    "ü",
                                                     "->", "null", "not.", "or(", "x\ny", "\t"};
    std::string text;
    for (std::size_t left = pick(random_, 6); left > 0; --left)
      text += kPieces[pick(random_, kPieces.size())];
    return text;
  }

  std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\' ||
          (c != '\n' && static_cast<unsigned char>(c) < 0x80 && chance(random_, 0.1)))
        out += '\\';
      out += c;
    }
    return out + "\"";
  }

  std::string name_or_quoted(std::string& name) {
    static const std::vector<std::string> kNames = {"a", "user_id", "größe", "x1$", "and", "or", "eq"};
    if (chance(random_, 0.6)) return name = kNames[pick(random_, kNames.size())];
    name = "q" + any_text();
    for (char& c : name) {
      if (static_cast<unsigned char>(c) < 0x20) c = '_';
    }
    return quoted(name);
  }

  std::string column(std::string& tree) {
    std::string text = name_or_quoted(tree);
    for (std::size_t steps = chance(random_, 0.3) ? 1 + pick(random_, 2) : 0; steps > 0; --steps) {
      const std::string arrow = steps == 1 && chance(random_, 0.5) ? "->>" : "->";
      std::string key;
      text += arrow + name_or_quoted(key);
      tree += arrow + key;
    }
    return text;
  }

  std::string value(Place place, std::string& tree) {
    const std::string text = any_text();
    const bool may_be_bare = (place == Place::negation || text.find(',') == std::string::npos) &&
                             (place != Place::group || text.find(')') == std::string::npos) &&
                             !text.starts_with('"') && !text.starts_with('(') && !text.starts_with('{');
    if (may_be_bare && chance(random_, 0.7) && text != "null") {
      tree = base::json_string(text);
      return text;
    }
    tree = base::json_string(text);
    return quoted(text);
  }

  std::string list(std::string& tree) {
    const bool braces = chance(random_, 0.5);
    std::string text(1, braces ? '{' : '(');
    tree = "[";
    const std::size_t count = pick(random_, 4);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string item = any_text();
      const bool may_be_bare =
          item.find_first_of(",)}\"") == std::string::npos && !(item.empty() && count == 1);
      text += (i > 0 ? "," : "") + (may_be_bare && chance(random_, 0.6) ? item : quoted(item));
      tree += (i > 0 ? "," : "") + base::json_string(item);
    }
    tree += "]";
    return text + (braces ? '}' : ')');
  }

  std::string filter(Place place, std::string& tree, bool& inverted) {
    inverted = chance(random_, 0.2);
    std::string text = column(tree) + "." + (inverted ? "not." : "");
    std::string operand;
    switch (pick(random_, 5)) {
      case 0:
        text += "in." + list(operand);
        tree += " in " + operand;
        break;
      case 1:
        text += "cs." + list(operand);
        tree += " contains " + operand;
        break;
      case 2: {
        const bool with_config = chance(random_, 0.5);
        text += with_config ? "plfts(english)." : "plfts.";
        text += value(place, operand);
        tree += (with_config ? " plfts(english) " : " plfts ") + operand;
        break;
      }
      case 3:
        text += "eq.null";
        tree += " eq null";
        break;
      default: {
        static const std::vector<std::string> kOperators = {"eq",   "neq",    "gt", "lte",
                                                            "like", "imatch", "adj"};
        const std::string& op = kOperators[pick(random_, kOperators.size())];
        text += op + "." + value(place, operand);
        tree += " " + op + " " + operand;
      }
    }
    return text;
  }

  Random random_;
};

std::string read(const std::string& op, const std::string& text) {
  test::Parser parser;
  parser.settings.max_conditions = 100000;
  auto result = parser.select(R"({"table_name":"t","conditions":[{"operator":")" + op + R"(","value":)" +
                              base::json_string(text) + "}]}");
  return result ? test::dump(result->conditions) : test::dump(result.error());
}

TEST(ExpressionProperty, WrittenTreesReadBack) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::string tree;
    const std::string text = Writer(seed).terms("or", Place::top, 4, tree);
    ASSERT_EQ(read("or", text), tree) << "seed " << seed << ": " << text;
  }
}

TEST(ExpressionProperty, OneTermBehindNot) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::string tree;
    const std::string text = Writer(seed).term(Place::negation, 3, tree);
    const std::string expected = tree.starts_with("not ") ? tree.substr(4) : "not " + tree;
    ASSERT_EQ(read("not", text), expected) << "seed " << seed << ": " << text;
  }
}

TEST(ExpressionProperty, EveryBeginningIsReadOrRefused) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::string tree;
    const std::string text = Writer(seed).terms("or", Place::top, 3, tree);
    for (std::size_t size = 0; size < text.size(); ++size) {
      if ((static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) continue;
      const std::string outcome = read("or", text.substr(0, size));
      ASSERT_TRUE(outcome.starts_with("(") || outcome.starts_with("invalid_")) << outcome;
    }
  }
}

}  // namespace
}  // namespace athena::query
