#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>

#include "tests/unit/shell.h"

// Random sequences of reloads, stops, crashes, changes of the configuration and time. What must
// hold, and what must never be done, is Shell's to say.

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

Plan any_plan(Dice& dice) {
    auto plan = owning_plan();
    plan.restarting.when = dice.one_in(3) ? config::Restart::always : config::Restart::on_failure;
    plan.restarting.limit = {.count = dice.one_in(3) ? 2 : 1'000, .window = 60s};
    plan.stop.announce = config::Duration(dice.one_in(4) ? 500 : 0);
    plan.stop.linger = config::Duration(dice.one_in(5) ? 500 : 0);
    if (dice.one_in(6)) plan.reload.strategy = config::Strategy::shared;
    plan.reload.warms_up = dice.one_in(3);
    return plan;
}

void anything(Dice& dice, Shell& shell) {
    shell.pass(config::Duration(dice.pick(200)));
    switch (dice.pick(24)) {
    case 0:
    case 1: shell.feed(ReloadAsked{}); break;
    case 2: shell.feed(ReloadAsked{.splay = config::Duration(dice.pick(2'000))}); break;
    case 3:
        // A drain ends the story, so it is rarer than the rest.
        if (dice.one_in(8)) shell.feed(DrainAsked{dice.one_of(std::vector{SIGTERM, SIGINT}), 1});
        break;
    case 4: shell.feed(ForwardAsked{SIGUSR1, {}}); break;
    case 5: shell.end_one(Shell::Whose::any); break;
    case 6: shell.start_stray(); break;
    case 7: shell.feed(Exited{999, exited_with(0), false}); break;
    case 8: shell.feed(Ready{999}); break;
    case 9:
    case 10:
    case 11:
    case 12: shell.fire_next_clock(); break;
    case 13:
    case 14:
    case 15: shell.end_one(Shell::Whose::told); break;
    default: shell.answer(false); break;
    }
}

// Nothing goes wrong any more: it comes to rest, with all done that it was asked for.
void settle(Shell& shell) {
    for (int step = 0; step < 3'000 && !shell.finished(); ++step) {
        if (shell.at_rest()) {
            if (!shell.has_all_it_was_asked_for()) throw Violation{"a reload was forgotten"};
            return;
        }
        if (shell.end_one(Shell::Whose::told) || shell.answer(true)) continue;
        if (!shell.fire_next_clock()) throw Violation{"it waits for nothing"};
    }
    if (!shell.finished()) throw Violation{"it does not come to rest"};
}

// Whatever has happened: asked to stop, it ends in its time, even if only SIGKILL ends anybody.
void stop(Dice& dice, Shell& shell) {
    const bool stubborn = dice.one_in(2);
    const auto began = shell.now();
    shell.feed(DrainAsked{SIGTERM, 0});
    for (int step = 0; step < 20'000 && !shell.finished(); ++step) {
        if (shell.end_one(stubborn ? Shell::Whose::killed : Shell::Whose::told)) continue;
        if (shell.answer(false) || shell.fire_next_clock()) continue;
        throw Violation{"it waits for nothing"};
    }
    if (!shell.finished()) throw Violation{"it does not end"};
    // The deadline; then kill_after, and the same for the sweep, and drain.linger.
    if (shell.now() - began > 9s + 3 * 500ms && !shell.stuck()) {
        throw Violation{"it does not end in its time"};
    }
}

// What went wrong in this sequence, or nothing.
std::string sequence(unsigned seed, bool keep_trail) {
    Dice dice(seed);
    Shell shell(dice, any_plan(dice));
    shell.keep_trail = keep_trail;
    try {
        shell.feed(Start{});
        for (int step = 10 + dice.pick(90); step > 0 && !shell.finished(); --step) {
            anything(dice, shell);
        }
        if (dice.one_in(2) && !shell.finished()) settle(shell);
        if (!shell.finished()) stop(dice, shell);
        return {};
    } catch (const Violation& violation) {
        return shell.trail + "violated: " + violation.what;
    }
}

unsigned number_of(const char* variable, unsigned otherwise) {
    const char* const text = std::getenv(variable); // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

} // namespace

// LIFECYCLE_SEQUENCES=1000000 for more of them, from LIFECYCLE_SEED on.
TEST_CASE("reloads, stops, crashes and time in any order break no promise") {
    const auto first = number_of("LIFECYCLE_SEED", 0);
    const auto count = number_of("LIFECYCLE_SEQUENCES", 20'000);
    for (unsigned seed = first; seed != first + count; ++seed) {
        if (sequence(seed, false).empty()) continue;
        CAPTURE(seed);
        FAIL(sequence(seed, true));
    }
}

} // namespace sluice::core
