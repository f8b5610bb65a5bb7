#include "init/core/plan.h"

#include <doctest/doctest.h>

#include <csignal>

#include "signals/meaning.h"

namespace sluice::core {

using namespace std::chrono_literals;
using config::Kind;
using signals::Meaning;
using signals::Rule;

namespace {

Plan plan_of(Kind kind, const config::Settings& settings = {}, const Options& options = {}) {
    return make_plan(kind, {"/usr/sbin/app", "-x"}, settings, options);
}

} // namespace

TEST_CASE("php-fpm: stop signals drain, HUP and USR2 reload, the rest is forwarded") {
    const auto plan = plan_of(Kind::php_fpm);
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
        CHECK(signals::meaning_of(signal, plan.signals).meaning == Meaning::drain);
    }
    for (const int signal : {SIGHUP, SIGUSR2}) {
        CHECK(signals::meaning_of(signal, plan.signals).meaning == Meaning::reload);
    }
    CHECK(signals::meaning_of(SIGUSR1, plan.signals) == Rule{});
    CHECK(plan.stop.signal == SIGQUIT);
    CHECK(plan.stop.deadline == 9s);
    CHECK(plan.stop.kill_after == 500ms);
    CHECK(plan.restarting.when == config::Restart::on_failure);
    CHECK(plan.log_level == config::LogLevel::info);
    CHECK(plan.name == "app");
}

TEST_CASE("nginx: stop signals drain, the rest is nginx's") {
    const auto plan = plan_of(Kind::nginx);
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
        CHECK(signals::meaning_of(signal, plan.signals).meaning == Meaning::drain);
    }
    for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH}) {
        CHECK(signals::meaning_of(signal, plan.signals) == Rule{});
    }
    CHECK(plan.stop.signal == SIGQUIT);
    CHECK(plan.stop.finishes_itself);
    CHECK(plan.stop.deadline == 9s);
    CHECK(plan.restarting.when == config::Restart::on_failure);
    CHECK(plan.log_level == config::LogLevel::info);
    CHECK_FALSE(plan_of(Kind::php_fpm).stop.finishes_itself);
}

TEST_CASE("plain: nothing is on but forwarding") {
    const auto plan = plan_of(Kind::plain);
    CHECK(plan.signals.empty());
    CHECK_FALSE(plan.stop.signal);
    CHECK_FALSE(plan.stop.deadline);
    CHECK(plan.stop.hold == 0ms);
    CHECK(plan.restarting.when == config::Restart::no);
    CHECK(plan.log_level == config::LogLevel::warning);
}

TEST_CASE("plain with a deadline: the stop signals drain, as they came") {
    config::Settings settings;
    settings.drain.deadline = 3s;
    const auto plan = plan_of(Kind::plain, settings);
    CHECK(signals::meaning_of(SIGTERM, plan.signals).meaning == Meaning::drain);
    CHECK_FALSE(plan.stop.signal);
    CHECK(plan.stop.deadline == 3s);
}

TEST_CASE("a deadline of 0 is none") {
    config::Settings settings;
    settings.drain.deadline = 0s;
    CHECK_FALSE(plan_of(Kind::php_fpm, settings).stop.deadline);
    CHECK_FALSE(plan_of(Kind::plain, settings).stop.deadline);
    CHECK(plan_of(Kind::plain, settings).signals.empty());
}

TEST_CASE("the file's rules win over the kind's, the command line's over both") {
    config::Settings settings;
    settings.signals = {{SIGUSR2, Rule{Meaning::ignore}}, {SIGHUP, Rule{Meaning::forward}}};
    Options options;
    options.rewrites = {{SIGHUP, Rule{Meaning::forward, SIGUSR1}}};
    const auto plan = plan_of(Kind::php_fpm, settings, options);
    CHECK(signals::meaning_of(SIGUSR2, plan.signals).meaning == Meaning::ignore);
    CHECK(signals::meaning_of(SIGHUP, plan.signals) == Rule{Meaning::forward, SIGUSR1});
    CHECK(signals::meaning_of(SIGTERM, plan.signals).meaning == Meaning::drain);
}

TEST_CASE("the plan in words") {
    config::Settings settings;
    settings.drain.deadline = 1'500ms;
    Options options;
    options.map_exit = {{143, 0}};
    auto plan = make_plan(Kind::php_fpm, {"php-fpm", "it's"}, settings, options);
    plan.fpm_config = "include=/a\n[global]\n";
    plan.notices = {"mind this"};
    CHECK(describe(plan) ==
          "kind        php-fpm\n"
          "command     php-fpm 'it'\\''s'\n"
          "FPM config  include=/a\n"
          "            [global]\n"
          "stop        QUIT; SIGTERM after 1.5 s, SIGKILL 500 ms later\n"
          "reload      a second generation beside the first, ready within 10 s; then "
          "the first has 60 s to finish\n"
          "restart     on failure, after 100 ms to 5 s, 5 times within 60 s at "
          "most\n"
          "signal      HUP = reload\n"
          "signal      INT = drain\n"
          "signal      QUIT = drain\n"
          "signal      USR2 = reload\n"
          "signal      TERM = drain\n"
          "signal      all others are forwarded\n"
          "exit        143 becomes 0\n"
          "notice      mind this\n");
}

TEST_CASE("a short deadline leaves at most half of itself to the queue") {
    config::Settings settings;
    settings.drain.deadline = config::Duration(1'000);
    const auto plan = make_plan(config::Kind::php_fpm, {"php-fpm"}, settings, {});
    CHECK(plan.stop.queue == config::Duration(500));
    CHECK(make_plan(config::Kind::php_fpm, {"php-fpm"}, {}, {}).stop.queue ==
          config::Settings{}.drain.queue);
}

} // namespace sluice::core
