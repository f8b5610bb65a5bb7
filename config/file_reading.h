#pragma once

#include <string>

#include "config/document.h"
#include "config/places.h"

namespace sluice::config {

/// "/etc/sluice.toml:3:12"
std::string place(const std::string& path, Position position);

/// A reading's part that is about one file: the file's name goes into every place. Both outlive
/// it.
class FileReading {
  public:
    FileReading(const std::string& path, Reading& reading) : path_(path), reading_(reading) {}

    Settings& settings() { return reading_.loaded.settings; }

    Places& places() { return reading_.places; }

    std::string place(Position position) const { return config::place(path_, position); }

    /// Adds an error. `key` is as the operator is to see it: "reload.warmup[2].status".
    void refuse(Position position, std::string key, std::string message);

    /// Notes that this key's value was written there.
    void set(const std::string& key, Position position);

  private:
    const std::string& path_;
    Reading& reading_;
};

} // namespace sluice::config
