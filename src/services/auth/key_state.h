#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/crypto.h"
#include "base/deadline.h"
#include "services/auth/rights.h"

namespace athena::auth {

/// One key that is not archived, as a store describes it.
struct KeyRecord {
  std::int64_t row_id = 0;
  std::string id;         ///< the uuid
  std::string public_id;  ///< of the key's text, `ath_{public_id}.{secret}`
  std::string salt;
  base::Sha256 hash{};      ///< SHA-256 of `salt:secret`
  std::string client_name;  ///< as written; empty = bound to no client
  bool is_active = true;
  std::optional<std::int64_t> expires_at_ms;  ///< wall clock, since 1970
  std::vector<std::string> rights;            ///< in any order
};

/// The same as requests read it: small, immutable. Any thread.
class ApiKey {
 public:
  /// `rights` is shared by the keys that have the same ones.
  ApiKey(const KeyRecord& record, std::shared_ptr<const Rights> rights);

  [[nodiscard]] std::string_view public_id() const { return part(0); }
  [[nodiscard]] std::string_view salt() const { return part(1); }
  [[nodiscard]] std::string_view id() const { return part(2); }
  [[nodiscard]] std::string_view client_name() const { return part(3); }
  /// contract::client_key of the client it is bound to; empty = bound to none.
  [[nodiscard]] std::string_view client_key() const { return part(4); }
  [[nodiscard]] std::int64_t row_id() const { return row_id_; }
  [[nodiscard]] const base::Sha256& hash() const { return hash_; }
  [[nodiscard]] bool is_active() const { return is_active_; }
  /// INT64_MAX = never.
  [[nodiscard]] std::int64_t expires_at_ms() const { return expires_at_ms_; }
  [[nodiscard]] const Rights& rights() const { return *rights_; }
  [[nodiscard]] const std::shared_ptr<const Rights>& shared_rights() const { return rights_; }

 private:
  [[nodiscard]] std::string_view part(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return {texts_.data() + begin, ends_[index] - begin};
  }

  std::string texts_;  // one piece of memory for all of them
  std::array<std::uint16_t, 5> ends_{};
  bool is_active_;
  std::int64_t row_id_, expires_at_ms_;
  base::Sha256 hash_;
  std::shared_ptr<const Rights> rights_;
};

class KeyTableBuilder;

/// All keys by their public id: immutable, in parts, so that a change copies only the parts it touches. Any
/// thread. A copy costs a few microseconds and shares the parts.
class KeyTable {
 public:
  static constexpr std::size_t kParts = 1024;

  /// No key.
  KeyTable();
  static KeyTable build(const std::vector<KeyRecord>& records);
  /// This table with `changed` in it (new ones too) and without `removed` (public ids; unknown ones are
  /// ignored). Rebuilds the parts concerned, a hundred keys each at 100,000.
  [[nodiscard]] KeyTable with(std::span<const KeyRecord> changed, std::span<const std::string> removed) const;

  /// Null = unknown.
  [[nodiscard]] const ApiKey* find(std::string_view public_id) const;
  /// The key, or one that nobody has when `known` is false after it: then all that is done with the result
  /// takes as long as with a real one. The time does not depend on whether the id is known.
  [[nodiscard]] const ApiKey& find_or_nobody(std::string_view public_id, bool& known) const;
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Calls `visit(const ApiKey&)` for each, in no particular order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& part : parts_) {
      for (std::size_t i = 1; i < part->keys.size(); ++i) visit(part->keys[i]);
    }
  }

 private:
  friend class KeyTableBuilder;
  /// Keys of one part by the hash of their public id. The first is nobody's, so that there always is one.
  struct Part {
    std::vector<std::uint64_t> hashes;
    std::vector<ApiKey> keys;
  };

  static std::shared_ptr<const Part> make_part(std::vector<ApiKey> keys);
  void count();

  std::vector<std::shared_ptr<const Part>> parts_;
  std::size_t size_ = 0;
  unsigned steps_ = 0;  // of a search, in every part
};

/// Builds a table from rows as they come, so that a store's records need not be held all at once.
class KeyTableBuilder {
 public:
  KeyTableBuilder();
  /// Of two records with one public id the last one stays.
  void add(const KeyRecord& record);
  [[nodiscard]] KeyTable finish();

 private:
  std::shared_ptr<const Rights> intern(const std::vector<std::string>& rights);

  std::vector<std::vector<ApiKey>> parts_;
  std::unordered_map<std::string, std::shared_ptr<const Rights>> rights_;
};

/// Where a caller must show a key: the override of the client it names, else the operator's decision, else
/// what the listeners say. Immutable.
class Enforcement {
 public:
  Enforcement() = default;
  /// `global`: the operator's decision; none = not made yet.
  Enforcement(std::optional<bool> global, bool listeners_default)
      : global_(global), listeners_default_(listeners_default) {}

  /// Name in any case, blanks around it ignored.
  void set_client(std::string_view client_name, bool enforce);

  [[nodiscard]] bool everywhere() const { return global_.value_or(listeners_default_); }
  /// Name in any case, blanks around it ignored; empty = no client is named. Allocates nothing.
  [[nodiscard]] bool for_client(std::string_view client_name) const;
  [[nodiscard]] const std::optional<bool>& global() const { return global_; }
  [[nodiscard]] bool listeners_default() const { return listeners_default_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::optional<bool> global_;
  bool listeners_default_ = false;
  std::unordered_map<std::string, bool, Hash, std::equal_to<>> clients_;
};

/// Everything that requests are checked against, as one piece: a change makes a new one, and every shard goes
/// over to it. Immutable once it is shared.
struct KeyState {
  KeyTable keys;
  Enforcement enforcement;
  bool loaded = true;  ///< false: there is a store and it was never read
  std::uint64_t version = 0;
  std::string fingerprint_secret;  ///< keys the fingerprints of presented credentials; empty = none yet
};

/// How long ago the store agreed with the snapshot; one for the process. Any thread.
class StoreHealth {
 public:
  using Clock = base::Clock;

  /// The watcher has read the store: what is in force is what it says.
  void confirmed(Clock::time_point now = Clock::now()) {
    last_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  /// Since the last confirmed(); zero while there is no store to be confirmed.
  [[nodiscard]] Clock::duration age(Clock::time_point now) const {
    const auto last = last_.load(std::memory_order_relaxed);
    if (last == kNoStore) return Clock::duration::zero();
    return std::max(Clock::duration::zero(), now.time_since_epoch() - Clock::duration(last));
  }
  [[nodiscard]] bool has_store() const { return last_.load(std::memory_order_relaxed) != kNoStore; }

 private:
  static constexpr auto kNoStore = std::numeric_limits<Clock::rep>::min();
  std::atomic<Clock::rep> last_{kNoStore};
};

}  // namespace athena::auth
