#pragma once

#include "config/settings.h"
#include "init/core/message.h"

namespace sluice::os {

/// sluice's own log, to stderr. A line never blocks and never fails: what cannot be written now is
/// kept, up to 64 KiB, and tried again with the next line or flush; what does not fit is counted,
/// and the count is written when there is room again. Nothing here throws.

/// Chooses what is written and how. Before it is called: info and text.
void set_up_log(config::LogLevel level, config::LogFormat format);

/// True if messages of this level are written at all.
bool logs(core::Level level) noexcept;

void log(const core::Message& message) noexcept;
void log(core::Level level, std::string text, core::Fields fields = {}) noexcept;

/// Tries to write what had to be kept.
void flush_log() noexcept;

} // namespace sluice::os
