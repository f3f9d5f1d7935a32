#pragma once

#include <boost/system/result.hpp>

namespace athena::base {

/// A value of T or an error of E. Expected failures travel in this; exceptions are for what nobody can
/// expect.
template <class T, class E>
using Result = boost::system::result<T, E>;

}  // namespace athena::base
