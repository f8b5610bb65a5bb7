#pragma once

#include <string>

#include "config/document.h"
#include "config/places.h"

namespace sluice::config {

/// Checks every entry of the file against the table of keys and sets what is right.
/// `path` is the file's name for messages.
void apply(const Document& document, const std::string& path, Reading& reading);

/// "/etc/sluice.toml:3:12"
std::string place(const std::string& path, Position position);

} // namespace sluice::config
