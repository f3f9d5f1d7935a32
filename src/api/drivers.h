#pragma once

#include <string_view>

#include "contract/capability.h"
#include "contract/error.h"

namespace athena::api {

/// Checks that `driver`, a name of POST /query/sql in any case, is known and is one of the client's engine;
/// gives the capability it needs. Errors: invalid_driver, whose sentence lists the accepted names;
/// capability_not_supported for drivers that take no raw text.
contract::Result<contract::Capability> check_driver(std::string_view driver, contract::Engine engine);
/// False for `postgrest`, whose language is no text.
bool takes_raw_text(std::string_view driver);
/// Only whether there is such a driver.
contract::Result<void> check_driver_name(std::string_view driver);

}  // namespace athena::api
