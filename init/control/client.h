#pragma once

#include "init/control/find.h"
#include "init/control/request.h"

namespace sluice::control {

/// How `status` is shown.
enum class Form { text, json };

/// The client: asks the first sluice that answers at one of the places and shows what it says, on
/// stdout, or on stderr what went wrong. Blocks, 5 s at most; only a reload that is waited for may
/// take its time. Gives the exit status: 0; 1 where sluice says no (not healthy, rolled back,
/// refused); 125 where it could not be asked.
int ask(Request request, const Places& places, Form form);

} // namespace sluice::control
