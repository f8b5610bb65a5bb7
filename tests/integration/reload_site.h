#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "child_process.h"
#include "fpm_site.h"
#include "sluice.h"

namespace tests {

/// What one generation is made of.
struct Release {
    std::string name = "first"; // what "app/who.php" answers when it executes that
    std::string sluice = {};    // sluice.toml beside [control]; "@folder@" as in FpmSite
    std::string fpm = {};       // more of php-fpm.conf; its end is in [www]
};

/// What is around sluice.
struct Around {
    std::function<void(const FpmSite&)> prepare = {};     // before it is started
    std::function<void(const FpmSite&)> before_exec = {}; // in place of an own /run
    std::map<std::string, std::string> environment = {};
    std::vector<std::string> under = {}; // Launch::under
};

/// An FpmSite under a sluice whose configuration changes while it runs, with clients of its control
/// socket. FPM is started by "bin/wrapper", an entrypoint script.
class ReloadSite {
  public:
    explicit ReloadSite(bool by_path, const Release& first = {}, const Around& around = {});

    const FpmSite& site() const { return site_; }

    const TempFolder& folder() const { return site_.folder(); }

    Sluice& sluice() { return *sluice_; }

    /// Writes sluice.toml and php-fpm.conf.
    void publish(const Release& release) const;

    /// What starts FPM from now on. Ends with `exec "$@"` by itself.
    void start_fpm_after(const std::string& script) const;

    struct Told {
        int status;       // -1: it has not ended
        std::string text; // all that it wrote
    };

    /// `sluice WORD...` for this one.
    std::unique_ptr<ChildProcess> client(const std::vector<std::string>& words) const;
    Told tell(const std::vector<std::string>& words) const;
    static Told end_of(ChildProcess& client);

    Told reload() const { return tell({"reload", "--wait"}); }

    std::string status() const { return tell({"status"}).text; }

    /// FPM's masters, the oldest first.
    std::vector<pid_t> masters();

    /// What is there of it beside the live generation's processes, and how many of these.
    struct Footprint {
        std::size_t descriptors = 0;
        std::size_t processes = 0; // without the workers of FPM's status, which come and go
        std::vector<std::string> sockets = {};

        std::string text() const;
        bool operator==(const Footprint&) const = default;
    };

    Footprint footprint();

    /// From the second generation on each has a pipe for its last words, so that this is what there
    /// is to be after every further reload.
    Footprint footprint_after_reload();

    /// True as soon as nothing is there that was not there before.
    bool is_down_to(const Footprint& before);

    /// After sluice has ended: what it has left behind, in words; empty: nothing.
    std::string left_behind() const;

  private:
    FpmSite site_;
    std::string fpm_; // php-fpm.conf without a generation's name
    std::unique_ptr<Sluice> sluice_;
    Descriptor run_; // its /run
};

bool contains(const std::string& text, const std::string& part);

} // namespace tests
