#include "engines/sql/dialect.h"

#include <array>
#include <cstring>
#include <stdexcept>

#include "engines/sql/writer.h"

namespace athena::sql {

void append_identifier(std::pmr::string& out, std::string_view name) {
  constexpr std::size_t kUsual = 64;
  if (!name.empty() && name.size() <= kUsual && std::memchr(name.data(), '"', name.size()) == nullptr) {
    std::array<char, kUsual + 2> quoted;
    quoted[0] = '"';
    std::memcpy(quoted.data() + 1, name.data(), name.size());
    quoted[name.size() + 1] = '"';
    out.append(quoted.data(), name.size() + 2);
    return;
  }
  out.push_back('"');
  while (!name.empty()) {
    const auto* quote = static_cast<const char*>(std::memchr(name.data(), '"', name.size()));
    if (quote == nullptr) break;
    const auto length = static_cast<std::size_t>(quote - name.data()) + 1;
    out.append(name.substr(0, length)).push_back('"');
    name.remove_prefix(length);
  }
  out.append(name).push_back('"');
}

contract::Result<Bind> Dialect::bind_list(std::span<const query::Value* const> /*values*/,
                                          const Type& /*type*/, std::string_view /*what*/,
                                          std::pmr::memory_resource& /*memory*/) const {
  throw std::logic_error("this engine binds no arrays");
}

contract::Result<void> Dialect::write_value(Writer& out, const query::Value& value, const Type& type,
                                            std::string_view what) const {
  auto bound = bind(value, type, what, out.memory());
  if (!bound) return std::move(bound).error();
  out.placeholder(*bound);
  return {};
}

bool Dialect::cast_is_void(const Type& /*from*/, const Type& /*to*/) const {
  return false;
}

}  // namespace athena::sql
