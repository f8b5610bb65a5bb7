#include <doctest/doctest.h>

#include "init/prepare_fpm.h"

namespace sluice {

namespace {

// A check of FPM that does not end in its time.
Prepared prepared_too_slowly(fpm::Service service) {
    Prepared prepared;
    prepare_fpm(prepared, std::move(service), {}, "/usr/sbin:/usr/bin", {}, Purpose::check,
                [](const os::Launch&) { return os::Captured{.end = os::Captured::End::too_slow}; });
    return prepared;
}

} // namespace

TEST_CASE("FPM that does not check its configuration in time is not started without its sockets") {
    const auto prepared = prepared_too_slowly({.program = "php-fpm"});
    REQUIRE(prepared.problems.size() == 1);
    CHECK(prepared.problems.front() ==
          "php-fpm -tt did not end within 60 s: look whether the machine is overloaded, or what "
          "php.ini or the configuration has it wait for, such as a name to be resolved");
    CHECK(prepared.exit_code == 125);
}

TEST_CASE("a script that may write the configuration first is started all the same") {
    const auto prepared =
        prepared_too_slowly({.wrapper = {"entrypoint.sh"}, .program = "php-fpm", .scripted = true});
    CHECK(prepared.problems.empty());
    REQUIRE_FALSE(prepared.first.plan.notices.empty());
    CHECK(prepared.first.plan.notices.front().find("did not end within 60 s") != std::string::npos);
}

} // namespace sluice
