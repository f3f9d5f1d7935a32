#pragma once

#include <string_view>

#include "contract/error.h"
#include "engines/postgres/connect.h"
#include "engines/postgres/operation.h"

namespace athena::postgres {

struct ErrorContext {
  bool is_write = false;
  bool callers_text = false;  ///< the SQL is the caller's own: `position` means something to him
};

/// The code of a SQLSTATE and, where one state has two meanings, of the routine that raised it; never by
/// message text. What depends on who cancelled (57014) or on a repeat (26000, 55P03, 40001) is decided
/// before.
contract::ErrorCode code_of(std::string_view sql_state, std::string_view routine,
                            const ErrorContext& context);

/// A server's refusal as the caller sees it: its own sentence, its members under details. What concerns
/// Athena's own login (28xxx, 3D000) keeps none of the server's words.
contract::Error map_error(const ServerError& error, const ErrorContext& context);

/// No session could be had.
contract::Error connect_error(const ConnectFailure& failure);
/// The connection broke under a request whose effect is not known: outcome_unknown for a write,
/// backend_unreachable for a read.
contract::Error lost_error(const ServerError* last_words, bool is_write);
contract::Error deadline_error();

}  // namespace athena::postgres
