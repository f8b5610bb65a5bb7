#pragma once

#include <memory>
#include <string>
#include <vector>

#include "reload_site.h"

namespace tests {

/// A reload under way that stays in one of its steps until the gate is opened.
class HeldReload {
  public:
    enum class At { delayed, queued, checking, booting, proving, warming };

    static const std::vector<At>& all();
    static std::string name_of(At at);

    /// Starts the site, and the reload as soon as begin() is called.
    HeldReload(At at, bool by_path);

    ReloadSite& site() { return site_; }

    /// As it was when nothing was under way.
    const ReloadSite::Footprint& before() const { return before_; }

    /// Asks for it and waits until it is there.
    void begin();

    /// Lets it, and every other reload, go on; what they find is `release`.
    void open(const Release& release);

    /// `sluice reload --wait`; null while it is delayed, for that would end the delay.
    ChildProcess* client() { return client_.get(); }

  private:
    At at_;
    ReloadSite site_;
    ReloadSite::Footprint before_;
    Descriptor slot_;
    std::unique_ptr<ChildProcess> client_;
};

} // namespace tests
