#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/config.h"

// Texts about the configuration for people and scripts. No secret is in any of them.
namespace athena::app {

enum class DumpFormat : std::uint8_t { yaml, json };
/// The effective configuration; without `all` only what differs from the built-in defaults. The YAML form is
/// a valid configuration but for the masked secrets.
std::string dump_config(const Config& config, DumpFormat format, bool all);

/// Value, default, type, range, unit, whether a reload takes it, origin and what it hides, of a key
/// (`gateway.max_rows`) or a client (`clients.shop`); nothing when there is no such name.
std::optional<std::string> explain_key(const Config& config, std::string_view name);

/// The tables of docs/configuration.md: every key of the program.
std::string keys_markdown();

}  // namespace athena::app
