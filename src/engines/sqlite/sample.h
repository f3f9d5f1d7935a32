#pragma once

#include <string>

#include "contract/error.h"

namespace athena::sqlite {

/// Writes a database to try things with: a small shop with customers, products, orders, payments and what
/// belongs to them, a dozen tables with thousands of rows, always the same ones. Nothing is done when the
/// file exists; one that appears is complete. Takes some tenths of a second; not on shards. True: the file
/// was made. Errors: as database_error.
contract::Result<bool> create_sample(const std::string& path);

}  // namespace athena::sqlite
