#pragma once

#include <map>
#include <string>
#include <vector>

#include "fpm_site.h"
#include "sluice.h"

namespace tests {

/// What a client of the control socket got.
struct Reply {
    int status = -1; // the client's exit status
    std::string out;
    std::string err;
};

/// An FpmSite whose sluice has a control socket in the site's folder, and whose configuration and
/// code a test changes. "who.php" answers with the pid of the master whose worker executes it.
class ServedSite : public FpmSite {
  public:
    /// `config` is sluice.toml's; control.socket is added to it where it is not in it.
    explicit ServedSite(const FpmLines& lines = {}, const std::string& config = {});

    /// Writes sluice.toml again.
    void configure(const std::string& config) const;

    /// FPM's configuration with `text` in place of `old`, which has to be there.
    void change(const std::string& old, const std::string& text) const;

    /// FPM's configuration with `text` at its end.
    void append(const std::string& text) const;

    Launch launch(Mode mode = Mode::subreaper) const;

    std::string socket() const { return folder().path("control.sock"); }

    /// `sluice WORD... --socket ...`, to its end.
    Reply ask(const std::vector<std::string>& words) const;

    /// `sluice reload --wait`: 0 if it has switched.
    int reload() const { return ask({"reload", "--wait"}).status; }

    /// `sluice status`.
    std::string status() const { return ask({"status"}).out; }

    /// The answer of a script of the folder "app"; empty if there was none.
    std::string answer(const std::string& script) const { return answer(script, place()); }

    std::string answer(const std::string& script, const Place& at) const;

    /// The pid of the master behind the place, 0 if nobody answers.
    pid_t master() const { return master(place()); }

    pid_t master(const Place& at) const;
};

/// The lines of a pool beside [www], static with one worker.
std::string pool_on(const std::string& name, const std::string& listen,
                    const std::string& more = {});

/// How many descriptors a process has.
std::size_t open_files_of(pid_t pid);

/// The wrapper config as a process of FPM's has it: a path below /proc; empty if it has none.
std::string wrapper_config_of(pid_t pid);

/// Whether `text` has `part` in it.
bool has_part(const std::string& text, const std::string& part);

/// A value of a pool's section that has opcache keep what it has compiled, as production does.
std::string without_timestamps();

} // namespace tests
