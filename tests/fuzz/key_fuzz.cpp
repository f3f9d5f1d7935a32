// link: athena_services_auth
// Texts of keys and of rights that callers and operators send: a key is right only when it is the one that is
// known, and a right that is added never takes access away.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "services/auth/gatekeeper.h"

namespace {

using namespace athena::auth;

void require(bool condition) {
  if (!condition) std::abort();
}

const std::string kKnown = "ath_05f8a1b2c3d4e5f6." + std::string(64, 'a');

const KeyTable& known_keys() {
  static const KeyTable keys = [] {
    KeyRecord record;
    record.public_id = kKnown.substr(4, 16);
    record.salt.assign(64, '5');
    record.hash = athena::base::sha256(record.salt + ":" + kKnown.substr(21));
    return KeyTable::build({record});
  }();
  return keys;
}

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const ApiKey* key = nullptr;
  require((verify_key(text, known_keys(), key) == Verified::right) == (text == kKnown));
  const auto schema = next_line(text), table = next_line(text);
  const auto required = RequiredRight::table(schema, table, static_cast<Verb>(size % 3));
  const auto fixed = RequiredRight::fixed(table);
  std::vector<std::string> granted;
  bool covered = false, covered_fixed = false;
  while (!text.empty() && granted.size() < 16) {
    granted.emplace_back(next_line(text));
    static_cast<void>(is_right_name(granted.back()));
    const Rights rights(granted);
    const bool now = rights.cover(required), now_fixed = rights.cover(fixed);
    require((now || !covered) && (now_fixed || !covered_fixed));
    covered = now;
    covered_fixed = now_fixed;
  }
  require(!required.text().empty());
  return 0;
}
