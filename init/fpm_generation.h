#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "init/fpm/effective_config.h"
#include "init/fpm/needs.h"
#include "init/fpm/recognise.h"
#include "init/generation.h"

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
};

/// Nothing where there is no telling of this file (fpm::talkative_config).
std::optional<Telling> have_fpm_tell(const FpmCall& call, const std::string& config);

/// FPM, called with these words of its own.
os::Launch fpm_launch(const FpmCall& call, const std::vector<std::string>& words);

/// Makes a generation of what FPM has said (nothing: it is not known what it listens on). `base` is
/// the plan of the command and the settings. Opens the generation's own sockets for FPM's status
/// where it is for a run; the listeners (Generation::wishes) are for the Intake to open.
Generation make_fpm_generation(core::Plan base, const FpmCall& call,
                               const std::optional<fpm::EffectiveConfig>& effective,
                               const fpm::Needs& needs, Purpose purpose);

/// The folder that reload.release leads to now; nothing: it is not set. Or why there is none.
std::variant<std::optional<fpm::Release>, std::string>
resolve_release(const std::optional<std::string>& link);

/// Only its sockets, for an FPM that is somewhere behind another program.
void own_unseen_sockets(Generation& generation, const fpm::EffectiveConfig& effective,
                        Purpose purpose);

} // namespace sluice
