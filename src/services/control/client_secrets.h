#pragma once

#include <string>
#include <string_view>

namespace athena::control {

// What operators see of a client's connection: never a password.

/// A connection text with its password as `***`: URIs keep their other parts, with `password` parameters
/// masked too; what is no URI, or can't be taken apart safely, is `***` as a whole. A password that is
/// `${NAME}` alone stays, as it is none.
std::string masked_uri(std::string_view text);
/// The text has a masked password, so it is not one to connect with.
bool has_masked_password(std::string_view text);

/// The JSON object of a connection with every secret as `***`.
std::string masked_connection(std::string_view json);
/// A secret in it is `***`.
bool has_masked_secret(std::string_view json);

/// The document with the members of every object in the order of their names, so that equal documents are
/// equal texts. Text that is no JSON stays.
std::string canonical_json(std::string_view json);

}  // namespace athena::control
