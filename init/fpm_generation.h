#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "init/fpm/effective_config.h"
#include "init/fpm/needs.h"
#include "init/fpm_telling.h"
#include "init/generation.h"

namespace sluice {

/// Makes a generation of what FPM has said (nothing: it is not known what it listens on). `base` is
/// the plan of the command and the settings. Opens the generation's own sockets for FPM's status
/// where it is for a run; the listeners (Generation::wishes) are for the Intake to open.
///
/// Its runs read the snapshot that FPM has proved (Generation::snapshot). They read the user's file
/// where there is none, and where FPM may be asked to reload by itself: it would read the same
/// again.
Generation make_fpm_generation(core::Plan base, const FpmCall& call,
                               const std::optional<Told>& told, const fpm::Needs& needs,
                               Purpose purpose);

/// What is wrong with the pools of reload.warmup, as far as a reload would warm up.
std::optional<std::string> wrong_pool_of_warmup(const config::Settings& settings,
                                                const Generation& generation);

/// The folder that reload.release leads to now; nothing: it is not set. Or why there is none.
std::variant<std::optional<fpm::Release>, std::string>
resolve_release(const std::optional<std::string>& link);

/// Only its sockets, for an FPM that is somewhere behind another program.
void own_unseen_sockets(Generation& generation, const fpm::EffectiveConfig& effective,
                        Purpose purpose);

} // namespace sluice
