#pragma once

#include "base/json_builder.h"

namespace athena::api {

using base::JsonBuilder;

}  // namespace athena::api
