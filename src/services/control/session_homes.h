#pragma once

#include <memory>

#include "services/control/session.h"

namespace athena::control {

// What make_session() chooses from.
std::unique_ptr<Session> make_sqlite_session(const StoreLocation& location);
std::unique_ptr<Session> make_postgres_session(const StoreLocation& location);

}  // namespace athena::control
