#pragma once

#include <string>

// Checks of single values, for the key table: what is wrong with a text, or an empty text. No secrets in what
// they return; any thread.
namespace athena::app {

/// `10.0.0.0/8`, `::1/128`, or an address alone.
std::string cidr_problem(const std::string& text);
/// An IPv4 address, an IPv6 address with or without brackets, or localhost.
std::string bind_problem(const std::string& text);
/// `*.db.example.com`: one `*` as the first label, then a host name.
std::string pattern_problem(const std::string& text);
/// `https://app.example[:port]`: what a browser sends as Origin.
std::string origin_problem(const std::string& text);
/// A host name or address without scheme, port or path.
std::string host_problem(const std::string& text);
/// A domain, with or without a leading dot or `*.`, or an address.
std::string domain_problem(const std::string& text);
/// 64 lower-case hex digits.
std::string digest_problem(const std::string& text);
/// A path from the root, or an http(s) URL.
std::string location_problem(const std::string& text);
/// An http(s) URL.
std::string url_problem(const std::string& text);
/// An absolute path.
std::string absolute_path_problem(const std::string& text);
/// A client's name.
std::string client_name_problem(const std::string& text);
/// A socket's path: short enough for the kernel.
std::string socket_path_problem(const std::string& text);

}  // namespace athena::app
