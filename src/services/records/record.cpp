#include "services/records/record.h"

#include <cstring>

namespace athena::records {
namespace {

// A chunk that once held a few long records must not keep that much.
constexpr std::size_t kKeep = 128UL * 1024;

}  // namespace

// Whole length, lengths of the texts, head, texts.
void Chunk::append(const void* head, std::size_t head_size, const std::string_view* texts,
                   std::size_t count) {
  std::size_t size = sizeof(std::uint32_t) * (1 + count) + head_size;
  for (std::size_t i = 0; i < count; ++i) size += texts[i].size();
  char* at = bytes_.reserve_tail(size);
  const auto put = [&at](const void* from, std::size_t length) {
    if (length != 0) std::memcpy(at, from, length);
    at += length;
  };
  const auto whole = static_cast<std::uint32_t>(size);
  put(&whole, sizeof whole);
  for (std::size_t i = 0; i < count; ++i) {
    const auto length = static_cast<std::uint32_t>(texts[i].size());
    put(&length, sizeof length);
  }
  put(head, head_size);
  for (std::size_t i = 0; i < count; ++i) put(texts[i].data(), texts[i].size());
  bytes_.commit(size);
  ++count_;
}

const char* Chunk::read(const char* at, void* head, std::size_t head_size, std::string_view* texts,
                        std::size_t count) {
  const auto number = [](const char* from) {
    std::uint32_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return value;
  };
  const char* const next = at + number(at);
  const char* lengths = at + sizeof(std::uint32_t);
  const char* body = lengths + sizeof(std::uint32_t) * count;
  std::memcpy(head, body, head_size);
  body += head_size;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = number(lengths + i * sizeof(std::uint32_t));
    texts[i] = {body, length};
    body += length;
  }
  return next;
}

void Chunk::keep_first(std::size_t count) {
  if (count >= count_) return;
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t whole = 0;
    std::memcpy(&whole, bytes_.data() + size, sizeof whole);
    size += whole;
  }
  bytes_.truncate(size);
  count_ = count;
}

void Chunk::clear() {
  bytes_.release_above(kKeep);
  count_ = 0;
}

}  // namespace athena::records
