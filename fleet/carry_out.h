#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <vector>

#include "fleet/display.h"
#include "fleet/engine/container.h"
#include "fleet/rollout.h"
#include "fleet/show/outcome.h"

namespace sluice::fleet {

/// What is done to each container, and what a board calls it.
struct Task {
    std::string name;        // "reload"
    bool counts_cut = false; // its outcomes tell
    // What becomes of one that is left under way: "it goes on in the container".
    std::string left;
    std::function<void(const Container&, OnStep, OnOutcome)> begin;
};

/// Has the containers take their turns, the first being the canary, and shows it. INT, TERM and HUP
/// have nothing new begin; an INT after one of them ends it at once, and what is under way is named
/// and left. Runs the loop. Gives the exit status: 0 if all are done; 1 if not; 130 after the
/// second signal.
int carry_out(boost::asio::io_context& loop, const Task& task,
              const std::vector<Container>& containers, const Rollout::Terms& terms,
              Display display);

} // namespace sluice::fleet
