#pragma once

#include <optional>
#include <string>
#include <vector>

#include "init/fpm/effective_config.h"
#include "init/fpm/recognise.h"
#include "init/fpm/snapshot.h"
#include "init/os/command.h"
#include "init/os/descriptor.h"

namespace sluice {

/// How FPM is called, which is the same for all of its generations.
struct FpmCall {
    fpm::Service service;
    std::optional<std::string> config; // the file that it reads, absolute; nothing: not known
    std::string config_as_given;       // -y, where it is better left alone; else empty
    std::vector<std::string> environment;
    std::string search_path;
};

/// A child that has FPM say what it understands of its configuration (-tt). Through a config of
/// ours: with a log_level above notice it would say nothing, and it writes all that it says into
/// the user's error_log as well, with env[] and its secrets. The descriptor is that config, and has
/// to be kept until the child has been started.
struct Telling {
    os::Launch launch;
    os::Descriptor config;
    std::optional<fpm::Snapshot> snapshot; // what it is asked about; nothing: about the file itself
    std::string prefix;                    // with which the snapshot was taken, or tried
    std::string no_snapshot;               // why there is none
    bool last = false;                     // the prefix is the one that FPM told, or of no use
};

/// What FPM has said, and what of.
struct Told {
    fpm::EffectiveConfig config;
    std::optional<fpm::Snapshot> snapshot; // the text that it has proved; nothing: it read the file
    std::string no_snapshot;               // why not; empty: there is one, or it needs no reason
};

/// The first question: about a snapshot of this file, or about the file where none can be had.
/// Behind a script there is none: the script may write the configuration that FPM then reads.
/// Nothing where there is no telling of this file (fpm::talkative_config).
std::optional<Telling> have_fpm_tell(const FpmCall& call, const std::string& config);

/// The next question after the answer to this one; nothing: that counts.
///
/// - FPM's prefix is another than was thought, and matters: the snapshot that is taken with it.
/// - FPM does not take the snapshot: the file itself. Either its complaint is the one to show, for
///   it names the user's files and their lines; or FPM takes it, because it has changed in between
///   or because FPM reads it otherwise than sluice: then it is used without a snapshot, for to
///   refuse what FPM takes would help nobody.
std::optional<Telling> ask_again(const FpmCall& call, const std::string& config,
                                 const Telling& before, const os::Captured& answer);

/// Nothing: it has not said what it understood.
std::optional<Told> understand(Telling telling, const os::Captured& answer);

/// FPM, called with these words of its own.
os::Launch fpm_launch(const FpmCall& call, const std::vector<std::string>& words);

} // namespace sluice
