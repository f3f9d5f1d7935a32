#pragma once

namespace athena::sqlite {

/// Settings of the SQLite library, which count only before its first use: whoever opens a database calls this
/// before. Any thread, any number of times.
void configure_library();

}  // namespace athena::sqlite
