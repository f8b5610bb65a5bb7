#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/load.h"

namespace sluice::config {

/// Key name -> where it was written, as Problem::where has it: "/etc/sluice.toml:3:12".
/// A rule's key is "signals." and the signal's usual name, however the operator wrote it.
using Places = std::map<std::string, std::string, std::less<>>;

inline constexpr std::string_view from_environment = "environment";

/// A configuration while it is being read.
struct Reading {
    Loaded loaded;
    Places places;

    /// Adds an error.
    void refuse(std::string where, std::string key, std::string message);

    /// Notes that the key's value now comes from there; what it came from before is forgotten.
    void set(const std::string& key, std::string place, std::string origin);
};

} // namespace sluice::config
