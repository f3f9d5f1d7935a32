#pragma once

#include <memory>

#include "base/shard.h"
#include "engines/backend.h"
#include "engines/postgres/client.h"

namespace athena::postgres {

/// The side of a shard without connections of its own: a client with few connections keeps them on its first
/// shards, and the others hand their requests over. Rows come back in batches; what is under way is bounded
/// by pool.result_window_bytes.
std::unique_ptr<engines::Backend> make_remote_backend(std::shared_ptr<Client> client, base::Shard& shard);

}  // namespace athena::postgres
