#include "base/json_writer.h"

#include <emmintrin.h>

#include <bit>
#include <charconv>

#include "base/utf8.h"

namespace athena::base {
namespace {

constexpr char kHex[] = "0123456789abcdef";

/// One bit per byte that is no plain ASCII text of a JSON string: quotes, backslashes, controls and all from
/// 0x80 on.
unsigned special_bytes(__m128i bytes) {
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  // The comparison is signed, so bytes from 0x80 on count as less than a space too.
  const __m128i outside = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), outside)));
}

bool is_special(char c) {
  return static_cast<signed char>(c) < 0x20 || c == '"' || c == '\\';
}

/// Copies plain text from `from` until `end` or the first special byte; returns how many bytes were plain.
/// `to` has room for all of it.
std::size_t copy_plain(char* to, const char* from, std::size_t size) {
  if (size >= 16) {
    std::size_t done = 0;
    for (;;) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + done));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + done), bytes);
      const unsigned special = special_bytes(bytes);
      if (special != 0) return done + static_cast<unsigned>(std::countr_zero(special));
      done += 16;
      if (done == size) return size;
      if (size - done < 16) done = size - 16;  // the last block overlaps the one before it
    }
  }
  if (size >= 8) {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::memcpy(&head, from, 8);
    std::memcpy(&tail, from + size - 8, 8);
    std::memcpy(to, &head, 8);
    std::memcpy(to + size - 8, &tail, 8);
    if (special_bytes(_mm_set_epi64x(static_cast<long long>(tail), static_cast<long long>(head))) == 0)
      return size;
  } else if (size >= 4) {
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
    std::memcpy(&head, from, 4);
    std::memcpy(&tail, from + size - 4, 4);
    std::memcpy(to, &head, 4);
    std::memcpy(to + size - 4, &tail, 4);
    const std::uint64_t both = std::uint64_t{tail} << 32 | head;
    // Zero would count as a control character, so both halves hold the same eight bytes.
    if (special_bytes(_mm_set1_epi64x(static_cast<long long>(both))) == 0) return size;
  }
  std::size_t plain = 0;
  while (plain < size && !is_special(from[plain])) {
    to[plain] = from[plain];
    ++plain;
  }
  return plain;
}

void append_escape(Buffer& out, char c) {
  char short_form = 0;
  switch (c) {
    case '"':
      short_form = '"';
      break;
    case '\\':
      short_form = '\\';
      break;
    case '\b':
      short_form = 'b';
      break;
    case '\f':
      short_form = 'f';
      break;
    case '\n':
      short_form = 'n';
      break;
    case '\r':
      short_form = 'r';
      break;
    case '\t':
      short_form = 't';
      break;
    default:
      break;
  }
  if (short_form != 0) {
    const char text[2] = {'\\', short_form};
    out.append({text, 2});
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  const char text[6] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
  out.append({text, 6});
}

/// The run of bytes from 0x80 on at the start of `text`: valid sequences as they are, U+FFFD for each maximal
/// part of a broken one. Returns its length.
std::size_t append_non_ascii(Buffer& out, std::string_view text) {
  std::size_t at = 0;
  std::size_t written = 0;
  while (at < text.size() && static_cast<signed char>(text[at]) < 0) {
    const Utf8Sequence sequence = utf8_sequence(text.substr(at));
    if (!sequence.valid) {
      out.append(text.substr(written, at - written));
      out.append("\xEF\xBF\xBD");
      written = at + sequence.length;
    }
    at += sequence.length;
  }
  out.append(text.substr(written, at - written));
  return at;
}

void append_with_escapes(Buffer& out, std::string_view text) {
  while (!text.empty()) {
    if (static_cast<signed char>(text[0]) < 0) {
      text.remove_prefix(append_non_ascii(out, text));
    } else if (is_special(text[0])) {
      append_escape(out, text[0]);
      text.remove_prefix(1);
    }
    const std::size_t plain = copy_plain(out.reserve_tail(text.size()), text.data(), text.size());
    out.commit(plain);
    text.remove_prefix(plain);
  }
}

}  // namespace

void append_json_string(Buffer& out, std::string_view text) {
  char* to = out.reserve_tail(text.size() + 2);
  *to = '"';
  const std::size_t plain = copy_plain(to + 1, text.data(), text.size());
  if (plain == text.size()) [[likely]] {
    to[plain + 1] = '"';
    out.commit(plain + 2);
    return;
  }
  out.commit(plain + 1);
  append_with_escapes(out, text.substr(plain));
  out.push_back('"');
}

void append_integer(Buffer& out, std::int64_t value) {
  char* to = out.reserve_tail(20);
  const auto end = std::to_chars(to, to + 20, value);
  out.commit(static_cast<std::size_t>(end.ptr - to));
}

void append_milliseconds(Buffer& out, std::int64_t microseconds) {
  // The magnitude as unsigned, since the smallest integer has no positive counterpart.
  const bool negative = microseconds < 0;
  const std::uint64_t magnitude = negative ? std::uint64_t{0} - static_cast<std::uint64_t>(microseconds)
                                           : static_cast<std::uint64_t>(microseconds);
  if (negative) out.push_back('-');
  append_integer(out, static_cast<std::int64_t>(magnitude / 1000));
  const auto fraction = static_cast<unsigned>(magnitude % 1000);
  const char text[4] = {'.', static_cast<char>('0' + fraction / 100),
                        static_cast<char>('0' + fraction / 10 % 10), static_cast<char>('0' + fraction % 10)};
  out.append({text, 4});
}

std::string json_string(std::string_view text) {
  Buffer buffer;
  append_json_string(buffer, text);
  return std::string(buffer.view());
}

}  // namespace athena::base
