#include "reload_steps.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>

#include <csignal>

#include "processes.h"

namespace tests {

namespace {

using At = HeldReload::At;

const std::string until_open = "until test -e @folder@/marks/go; do sleep 0.02; done";

const std::string held_php = R"(<?php
touch(__DIR__ . '/../marks/held');
while (!file_exists(__DIR__ . '/../marks/go')) {
    usleep(5_000);
    clearstatcache();
}
)";

Release first(At at) {
    if (at == At::delayed) return {.sluice = "[reload]\nsplay = \"1h\"\n"};
    if (at == At::queued) return {.sluice = "[reload]\nslots_dir = \"@folder@/slots\"\n"};
    return {};
}

Release held(At at) {
    auto release = first(at);
    release.name = "held";
    if (at == At::checking) {
        release.sluice =
            "[[reload.check]]\ncommand = [\"sh\", \"-c\", \"touch @folder@/marks/held; " +
            until_open + "\"]\ntimeout = \"10m\"\n";
    }
    if (at == At::booting || at == At::proving) release.sluice = "[reload]\nready = \"10m\"\n";
    if (at == At::proving) release.fpm = "rlimit_files = 4\n"; // its workers cannot accept
    if (at == At::warming) {
        release.sluice = "[[reload.warmup]]\nscript = \"@folder@/app/held.php\"\ntimeout = "
                         "\"10m\"\ncount = 2\nconcurrency = 2\n";
    }
    return release;
}

} // namespace

const std::vector<At>& HeldReload::all() {
    static const std::vector<At> steps{At::delayed, At::queued,  At::checking,
                                       At::booting, At::proving, At::warming};
    return steps;
}

std::string HeldReload::name_of(At at) {
    switch (at) {
    case At::delayed: return "delayed";
    case At::queued: return "queued";
    case At::checking: return "checking";
    case At::booting: return "booting";
    case At::proving: return "proving";
    case At::warming: return "warming";
    }
    return "?";
}

HeldReload::HeldReload(At at, bool by_path) : at_(at), site_(by_path, first(at)) {
    site_.folder().write("app/held.php", held_php);
    if (at == At::queued) site_.folder().write("slots/slot-1", "");
    before_ = site_.footprint_after_reload();
}

void HeldReload::begin() {
    if (at_ == At::queued) {
        slot_ =
            Descriptor(::open(site_.folder().path("slots/slot-1").c_str(), O_RDONLY | O_CLOEXEC));
        REQUIRE(eventually([&] { return ::flock(slot_.get(), LOCK_EX | LOCK_NB) == 0; }));
    }
    site_.publish(held(at_));
    if (at_ == At::booting) {
        site_.start_fpm_after("touch @folder@/marks/held; " + until_open);
    }
    if (at_ == At::delayed) {
        site_.sluice().signal(SIGHUP);
        REQUIRE(site_.sluice().logs("begins in "));
        return;
    }
    client_ = site_.client({"reload", "--wait"});
    if (at_ == At::queued) {
        REQUIRE(site_.sluice().logs("waits for one of "));
    } else if (at_ == At::proving) {
        REQUIRE(eventually([&] {
            const auto masters = site_.masters();
            return masters.size() == 2 && !children_of(masters.back()).empty();
        }));
    } else {
        REQUIRE(eventually([&] { return site_.folder().has("marks/held"); }));
    }
}

void HeldReload::open(const Release& release) {
    site_.publish(release);
    site_.start_fpm_after("");
    site_.folder().write("marks/go", "");
    slot_.close();
}

} // namespace tests
