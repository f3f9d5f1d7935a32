// link: athena_engines_sqltext
// A caller's SQL text: both ways of telling it apart hold on any bytes, and the quick one never takes a text
// for more harmless than the grammar does.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engines/sqltext/classify.h"
#include "engines/sqltext/count_query.h"
#include "engines/sqltext/keywords.h"
#include "engines/sqltext/lexer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace athena::sqltext;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  text = text.substr(0, text.find('\0'));

  std::size_t covered = 0;
  Lexer lexer(text);
  Token token;
  while (lexer.next(token)) {
    if (token.text.empty() || token.begin < covered) std::abort();
    covered = token.begin + token.text.size();
  }
  if (covered > text.size() || depth_bound(text) > text.size() + 1) std::abort();

  const auto parsed = classify(text);
  const auto words = classify_by_keywords(text);
  if (words.plain) std::abort();
  for (const auto& statement : parsed.statements) {
    if (statement.begin > text.size()) std::abort();
  }
  if (parsed.too_complex || parsed.kind == StatementClass::unparsable) return 0;
  if (is_count_query(text) && parsed.kind != StatementClass::read) std::abort();
  if (parsed.plain && (parsed.kind != StatementClass::read || parsed.statements.size() != 1)) std::abort();
  if (parsed.kind != StatementClass::read && words.kind == StatementClass::read) std::abort();
  if (parsed.kind == StatementClass::refused && words.kind != StatementClass::refused) std::abort();
  return 0;
}
