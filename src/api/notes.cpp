#include "api/notes.h"

#include <new>
#include <type_traits>

namespace athena::api {

// Nothing ends it: its memory is freed as a whole.
static_assert(std::is_trivially_destructible_v<RequestNotes>);

RequestNotes& RequestNotes::of(http::Exchange& exchange) {
  if (exchange.notes == nullptr) {
    exchange.notes =
        new (exchange.memory().allocate(sizeof(RequestNotes), alignof(RequestNotes))) RequestNotes;
  }
  return *static_cast<RequestNotes*>(exchange.notes);
}

}  // namespace athena::api
