#pragma once

#include <string>
#include <string_view>

#include "config/places.h"

namespace sluice::config {

/// What a check across keys finds, each at the place where its key was written. `places` outlives
/// it.
class Findings {
  public:
    explicit Findings(const Places& places) : places_(places) {}

    /// `key` is a full name, with the number of the entry: "reload.warmup[2].count".
    void error(const std::string& key, const std::string& message) { add(key, message, false); }

    void warn(const std::string& key, const std::string& message) { add(key, message, true); }

    /// True if the operator wrote the key.
    bool written(std::string_view key) const { return places_.contains(key); }

    const Problems& problems() const { return problems_; }

  private:
    void add(const std::string& key, const std::string& message, bool warning);

    const Places& places_;
    Problems problems_;
};

} // namespace sluice::config
