#pragma once

#include <string>
#include <string_view>

#include "services/control/session.h"

struct pg_result;

namespace athena::control {

/// What a SQLSTATE means for who uses the store.
StoreError::Kind kind_of_state(std::string_view sql_state);

/// The error that a result is. Its text says nothing of the values.
StoreError error_of(const pg_result* result);

/// Of a message of libpq, which names host and user, but never the password.
std::string first_line(std::string_view message);

}  // namespace athena::control
