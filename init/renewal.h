#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "init/fpm_generation.h"
#include "init/os/command.h"

namespace sluice {

/// What a reload reads again, and how: the same for the whole life of the container.
struct Sources {
    std::optional<std::string> config;  // --config
    std::vector<std::string> variables; // the environment as sluice was given it
    core::Options options;              // the command line's
    std::optional<FpmCall> fpm;         // nothing: there is no next generation to be had
};

/// What it has to know of the running generation.
struct Before {
    const config::Settings& settings; // in force
    std::vector<fpm::Status> pools;   // none: they could not be asked
    std::string no_room;              // why two generations do not fit into memory; empty: they do
    std::string release;              // Plan::release
    bool by_signal = false;           // its way is to reload by itself
    bool snapshot = false;            // FPM would not read the user's configuration again by that
};

/// What came of it.
struct Renewed {
    std::string refused;    // a sentence for the operator; empty: the rest counts
    bool by_signal = false; // there is no room, and the service is to reload by itself
    std::vector<std::string> notices;
    config::Settings settings;
    std::optional<Generation> generation;
};

/// Makes the next generation, without starting it: reads the configuration again, runs what
/// reload.check names, has FPM check its own configuration and tell what it understood. All of it
/// inside the loop, one child at a time. With this object what is under way is given up.
class Renewal {
  public:
    using Done = std::function<void(Renewed)>;

    /// `sources` outlives this object. `done` is called once, from the loop.
    Renewal(boost::asio::io_context& loop, const Sources& sources, Before before, Done done);

    /// A child has ended. True if it was this one's.
    bool ended(pid_t pid, int wait_status);

  private:
    void read();
    void look_for_room();
    void check();
    void judge_check(const os::Captured& captured);
    void ask_fpm();
    void ask_fpm(std::optional<Telling> telling);
    void judge_fpm(const os::Captured& captured);
    std::map<std::string, int> workers_of(const std::vector<fpm::Pool>& pools,
                                          const std::string& process_manager) const;
    void make(std::optional<Told> told);
    template <typename Step>
    void attempt(Step step);
    void warn_of_absolute_paths();
    void refuse(std::string why);
    void finish();

    boost::asio::io_context& loop_;
    const Sources& sources_;
    Before before_;
    std::shared_ptr<Done> done_;
    Renewed result_;
    std::optional<fpm::Release> release_; // that the next generation is to serve
    std::size_t checked_ = 0;             // of reload.check
    std::optional<os::Command> child_;
    std::optional<Telling> telling_;
};

} // namespace sluice
