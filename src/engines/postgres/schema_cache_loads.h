#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "contract/error.h"
#include "engines/sql/table.h"

namespace athena::postgres {

using LoadResult = contract::Result<sql::TablePtr>;  ///< loads of types: a null table

/// Loads under way, so that several callers of one name share one. Belongs to one shard.
class SharedLoads {
 public:
  struct Load {
    bool finished = false;
    std::optional<LoadResult> result;  ///< absent after the end: who loaded was destroyed
    std::vector<base::asio::steady_timer*> waiting;
  };
  using Map = std::unordered_map<std::string, std::shared_ptr<Load>>;

  /// Held by the caller that loads; wakes the others at its end, however that comes.
  class Lead {
   public:
    Lead(std::shared_ptr<Map> map, std::string key);
    ~Lead();
    Lead(const Lead&) = delete;
    Lead& operator=(const Lead&) = delete;
    void finish(const LoadResult& result) { load_->result = result; }

   private:
    std::shared_ptr<Map> map_;
    std::string key_;
    std::shared_ptr<Load> load_;
  };

  /// The load of that name, or null when there is none: then the caller leads.
  [[nodiscard]] std::shared_ptr<Load> find(const std::string& key) const;
  [[nodiscard]] Lead lead(std::string key) { return Lead(map_, std::move(key)); }

 private:
  std::shared_ptr<Map> map_ = std::make_shared<Map>();  // outlives the cache while a load is still unwinding
};

/// Waits for the end of a load and gives its result. Empty: the caller has time left and should look again,
/// as the load ended for a reason that was its leader's own (its deadline, its end).
base::Task<std::optional<LoadResult>> wait_for(std::shared_ptr<SharedLoads::Load> load,
                                               base::Deadline deadline);

}  // namespace athena::postgres
