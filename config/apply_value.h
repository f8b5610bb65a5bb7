#pragma once

#include <string>

#include "config/file_reading.h"
#include "config/keys.h"

namespace sluice::config {

/// Sets the key to the value that the file gives it, or tells why not. `name` is the key's, with
/// the number of the entry: "reload.warmup[2].status". A key of an array of tables is that of the
/// last entry.
void apply_value(const Key& key, const std::string& name, const Value& value, FileReading& file);

} // namespace sluice::config
