#include "base/buffer.h"

#include <algorithm>

namespace athena::base {

void Buffer::grow(std::size_t bytes) {
  const std::size_t capacity = std::max<std::size_t>({size_ + bytes, capacity_ * 2, 256});
  auto data = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

}  // namespace athena::base
