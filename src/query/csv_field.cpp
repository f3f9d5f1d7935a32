#include "query/csv_field.h"

#include <emmintrin.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/utf8.h"

namespace athena::query {
namespace {

constexpr std::size_t kBlock = 16;

bool asks_for_quotes(char c) {
  return c == '"' || c == ',' || c == '\n' || c == '\r';
}
bool is_special(char c) {
  return static_cast<signed char>(c) < 0 || asks_for_quotes(c);
}

/// One bit per byte that asks for quotes or is not ASCII.
unsigned special_bytes(__m128i bytes) {
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i comma = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(','));
  const __m128i feed = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
  const __m128i carriage = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'));
  const __m128i marks = _mm_or_si128(_mm_or_si128(quote, comma), _mm_or_si128(feed, carriage));
  // The sign bit of a byte is the one that ASCII does not use.
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(marks, bytes)));
}

/// Copies the text in blocks until its end or a special byte; says whether it came to the end.
bool copy_plain(char* to, const char* from, std::size_t size) {
  if (size >= kBlock) {
    for (std::size_t done = 0;;) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + done));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + done), bytes);
      if (special_bytes(bytes) != 0) return false;
      done += kBlock;
      if (done == size) return true;
      if (size - done < kBlock) done = size - kBlock;  // the last block overlaps the one before it
    }
  }
  if (size >= sizeof(std::uint64_t)) {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::memcpy(&head, from, sizeof head);
    std::memcpy(&tail, from + size - sizeof tail, sizeof tail);
    std::memcpy(to, &head, sizeof head);
    std::memcpy(to + size - sizeof tail, &tail, sizeof tail);
    return special_bytes(_mm_set_epi64x(static_cast<long long>(tail), static_cast<long long>(head))) == 0;
  }
  for (std::size_t i = 0; i < size; ++i) {
    if (is_special(from[i])) return false;
    to[i] = from[i];
  }
  return true;
}

bool needs_quotes(std::string_view text) {
  return text.find_first_of("\",\r\n") != std::string_view::npos;
}

/// Bytes until the next one that is not copied as it is.
std::size_t plain_run(std::string_view text) {
  std::size_t size = 0;
  for (; size + kBlock <= text.size(); size += kBlock) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + size));
    const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const auto stops = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(quotes, bytes)));
    if (stops != 0) return size + static_cast<unsigned>(std::countr_zero(stops));
  }
  while (size < text.size() && text[size] != '"' && static_cast<signed char>(text[size]) >= 0) ++size;
  return size;
}

void append_checked(base::Buffer& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t run = plain_run(text);
    while (run < text.size() && static_cast<signed char>(text[run]) < 0) {
      const base::Utf8Sequence sequence = base::utf8_sequence(text.substr(run));
      if (!sequence.valid) {
        out.append(text.substr(0, run));
        out.append("\xEF\xBF\xBD");
        text.remove_prefix(run + sequence.length);
        run = 0;
      } else {
        run += sequence.length;
      }
    }
    out.append(text.substr(0, run));
    text.remove_prefix(run);
    if (text.starts_with('"')) {
      out.append("\"\"");
      text.remove_prefix(1);
    }
  }
}

}  // namespace

void append_csv_field(base::Buffer& out, std::string_view text) {
  if (text.empty()) return out.append("\"\"");
  if (copy_plain(out.reserve_tail(text.size()), text.data(), text.size())) [[likely]] {
    out.commit(text.size());
    return;
  }
  if (!needs_quotes(text)) return append_checked(out, text);
  out.push_back('"');
  append_checked(out, text);
  out.push_back('"');
}

}  // namespace athena::query
