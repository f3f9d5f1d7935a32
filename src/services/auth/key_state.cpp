#include "services/auth/key_state.h"

#include <algorithm>
#include <bit>
#include <unordered_set>
#include <utility>

#include "base/ascii.h"
#include "contract/client_definition.h"

namespace athena::auth {
namespace {

constexpr std::size_t kLongestText = 4096;  // beyond what the API takes; the table's own limit

std::uint64_t hash_of(std::string_view public_id) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : public_id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  hash ^= hash >> 32;
  hash *= 0x9e3779b97f4a7c15ULL;
  hash ^= hash >> 29;
  return hash == 0 ? 1 : hash;  // zero belongs to the first entry of each part
}

std::size_t part_of(std::uint64_t hash) {
  return hash >> 54;
}
static_assert(KeyTable::kParts == std::size_t{1} << 10);

/// Equal texts; the time depends on the length of `presented` alone.
bool equal_texts(std::string_view presented, std::string_view stored) {
  std::size_t different = presented.size() ^ stored.size();
  const auto length = std::min(presented.size(), stored.size());
  for (std::size_t i = 0; i < length; ++i) {
    different |= static_cast<unsigned char>(presented[i]) ^ static_cast<unsigned char>(stored[i]);
  }
  return different == 0;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

const std::shared_ptr<const Rights>& no_rights() {
  static const auto none = std::make_shared<const Rights>(std::vector<std::string>());
  return none;
}

/// As long as a real one, so that looking at it takes as long.
const ApiKey& nobody() {
  static const ApiKey key = [] {
    KeyRecord record;
    record.public_id.assign(16, '-');
    record.salt.assign(64, '0');
    return ApiKey(record, no_rights());
  }();
  return key;
}

}  // namespace

ApiKey::ApiKey(const KeyRecord& record, std::shared_ptr<const Rights> rights)
    : is_active_(record.is_active),
      row_id_(record.row_id),
      expires_at_ms_(record.expires_at_ms.value_or(std::numeric_limits<std::int64_t>::max())),
      hash_(record.hash),
      rights_(std::move(rights)) {
  const std::string client_key = contract::client_key(record.client_name);
  const std::array<std::string_view, 5> texts{record.public_id, record.salt, record.id, record.client_name,
                                              client_key};
  std::size_t size = 0;
  for (const auto text : texts) size += std::min(text.size(), kLongestText);
  texts_.reserve(size);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts_.append(texts[i].substr(0, kLongestText));
    ends_[i] = static_cast<std::uint16_t>(texts_.size());
  }
}

KeyTable::KeyTable() : parts_(kParts) {
  static const auto empty = make_part({});
  std::ranges::fill(parts_, empty);
}

std::shared_ptr<const KeyTable::Part> KeyTable::make_part(std::vector<ApiKey> keys) {
  struct Placed {
    std::uint64_t hash;
    std::size_t index;
  };
  std::vector<Placed> order;
  order.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) order.push_back({hash_of(keys[i].public_id()), i});
  std::ranges::sort(order, [](const Placed& a, const Placed& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.index < b.index;
  });
  auto part = std::make_shared<Part>();
  part->hashes.reserve(keys.size() + 1);
  part->keys.reserve(keys.size() + 1);
  part->hashes.push_back(0);
  part->keys.push_back(nobody());
  for (const auto& placed : order) {
    // Public ids are random, so only two records of one id have one hash; the last one counts.
    if (part->hashes.back() == placed.hash) {
      part->keys.back() = std::move(keys[placed.index]);
      continue;
    }
    part->hashes.push_back(placed.hash);
    part->keys.push_back(std::move(keys[placed.index]));
  }
  return part;
}

void KeyTable::count() {
  size_ = 0;
  std::size_t most = 1;
  for (const auto& part : parts_) {
    size_ += part->keys.size() - 1;
    most = std::max(most, part->keys.size());
  }
  steps_ = static_cast<unsigned>(std::bit_width(most - 1));
}

KeyTable KeyTable::build(const std::vector<KeyRecord>& records) {
  KeyTableBuilder builder;
  for (const auto& record : records) builder.add(record);
  return builder.finish();
}

KeyTable KeyTable::with(std::span<const KeyRecord> changed, std::span<const std::string> removed) const {
  KeyTable result = *this;
  std::unordered_map<std::size_t, std::vector<ApiKey>> parts;
  std::unordered_set<std::string_view> gone(removed.begin(), removed.end());
  for (const auto& record : changed) gone.insert(record.public_id);
  const auto open = [&](std::string_view public_id) -> std::vector<ApiKey>& {
    const auto index = part_of(hash_of(public_id));
    const auto [place, fresh] = parts.try_emplace(index);
    if (!fresh) return place->second;
    const auto& keys = parts_[index]->keys;
    for (std::size_t i = 1; i < keys.size(); ++i) {
      if (!gone.contains(keys[i].public_id())) place->second.push_back(keys[i]);
    }
    return place->second;
  };
  for (const auto& public_id : removed) open(public_id);
  std::unordered_map<std::string, std::shared_ptr<const Rights>> sets;
  for (const auto& record : changed) {
    std::shared_ptr<const Rights> rights;
    auto fresh = std::make_shared<const Rights>(record.rights);
    // Most changes leave the rights as they are.
    if (const auto* before = find(record.public_id);
        before != nullptr && before->rights().granted() == fresh->granted()) {
      rights = before->shared_rights();
    } else {
      std::string name;
      for (const auto& right : fresh->granted()) name.append(right).push_back('\n');
      rights = sets.try_emplace(std::move(name), std::move(fresh)).first->second;
    }
    open(record.public_id).emplace_back(record, std::move(rights));
  }
  for (auto& [index, keys] : parts) result.parts_[index] = make_part(std::move(keys));
  result.count();
  return result;
}

const ApiKey* KeyTable::find(std::string_view public_id) const {
  bool known = false;
  const auto& key = find_or_nobody(public_id, known);
  return known ? &key : nullptr;
}

const ApiKey& KeyTable::find_or_nobody(std::string_view public_id, bool& known) const {
  const auto hash = hash_of(public_id);
  const auto& part = *parts_[part_of(hash)];
  // Every search takes as many steps as the longest one, without a branch on what is found.
  const auto* hashes = part.hashes.data();
  std::size_t begin = 0, length = part.hashes.size();
  for (unsigned step = 0; step < steps_; ++step) {
    const auto half = length / 2;
    begin += half * static_cast<std::size_t>(hashes[begin + half] <= hash);
    length -= half;
  }
  known = equal_texts(public_id, part.keys[begin].public_id()) & (hashes[begin] == hash);
  return part.keys[begin * static_cast<std::size_t>(known)];
}

KeyTableBuilder::KeyTableBuilder() : parts_(KeyTable::kParts) {}

std::shared_ptr<const Rights> KeyTableBuilder::intern(const std::vector<std::string>& rights) {
  auto sorted = rights;
  std::ranges::sort(sorted);
  std::string name;
  for (const auto& right : sorted) name.append(right).push_back('\n');
  auto& known = rights_[std::move(name)];
  if (known == nullptr) known = std::make_shared<const Rights>(std::move(sorted));
  return known;
}

void KeyTableBuilder::add(const KeyRecord& record) {
  parts_[part_of(hash_of(record.public_id))].emplace_back(record, intern(record.rights));
}

KeyTable KeyTableBuilder::finish() {
  KeyTable table;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!parts_[i].empty()) table.parts_[i] = KeyTable::make_part(std::exchange(parts_[i], {}));
  }
  rights_.clear();
  table.count();
  return table;
}

void Enforcement::set_client(std::string_view client_name, bool enforce) {
  clients_.insert_or_assign(contract::client_key(client_name), enforce);
}

bool Enforcement::for_client(std::string_view client_name) const {
  while (!client_name.empty() && is_blank(client_name.front())) client_name.remove_prefix(1);
  while (!client_name.empty() && is_blank(client_name.back())) client_name.remove_suffix(1);
  std::array<char, 64> key;  // no client has a longer name
  if (clients_.empty() || client_name.size() > key.size()) return everywhere();
  std::ranges::transform(client_name, key.begin(), base::lower);
  const auto found = clients_.find(std::string_view(key.data(), client_name.size()));
  return found == clients_.end() ? everywhere() : found->second;
}

}  // namespace athena::auth
