#pragma once

#include <string>

#include "config/document.h"
#include "config/places.h"

namespace sluice::config {

/// Checks the whole file against the table of keys and sets what is right. `path` is the file's
/// name for messages. An entry of an array of tables is there afterwards even if it is wrong, so
/// that the entries have their numbers.
void apply(const Document& document, const std::string& path, Reading& reading);

} // namespace sluice::config
