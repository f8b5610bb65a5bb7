#include <doctest/doctest.h>

#include "init/fpm/wrapper.h"

namespace sluice::fpm {

using namespace std::chrono_literals;

TEST_CASE("the wrapper includes the user's file and overrides after it") {
    CHECK(wrapper_config("include=/usr/local/etc/php-fpm.conf\n", 10s, {}) ==
          "include=/usr/local/etc/php-fpm.conf\n"
          "[global]\n"
          "daemonize = no\n"
          "process_control_timeout = 10s\n");
}

TEST_CASE("the wrapper opens the pools again and sets what it was given") {
    const Overrides overrides{
        .process_max = 9,
        .pools = {{.name = "www", .status_listen = "/private/1", .ping_path = "/secret/ping"},
                  {.name = "api", .listen = "/private/0"}}};
    CHECK(wrapper_config("include=/a.conf\n", 10s, overrides) == "include=/a.conf\n"
                                                                 "[global]\n"
                                                                 "daemonize = no\n"
                                                                 "process_control_timeout = 10s\n"
                                                                 "process.max = 9\n"
                                                                 "[www]\n"
                                                                 "pm.status_listen = /private/1\n"
                                                                 "ping.path = /secret/ping\n"
                                                                 "[api]\n"
                                                                 "listen = /private/0\n");
}

TEST_CASE("the user's file is included by its path") {
    CHECK(include_of("/etc/php/8.2/fpm/php-fpm.conf") == "include=/etc/php/8.2/fpm/php-fpm.conf\n");
}

TEST_CASE("FPM is made to print, whatever the user's log_level is") {
    CHECK(talkative_config("[global]\nlog_level = error\n") == "[global]\nlog_level = error\n"
                                                               "[global]\n"
                                                               "log_level = notice\n"
                                                               "error_log = /dev/null\n");
}

TEST_CASE("a path that FPM's include would read otherwise is not wrapped") {
    for (const auto* const path : {"/a*b", "/a[1]", "/a?b", "/a;b", "/a b", "/a\nb", "/a\"b"}) {
        CAPTURE(path);
        CHECK_FALSE(include_of(path));
    }
}

TEST_CASE("FPM's own escalation comes after sluice's deadline") {
    CHECK(control_timeout(9s) == 10s);
    CHECK(control_timeout(8'500ms) == 10s);
    CHECK(control_timeout(1ms) == 2s);
    CHECK(control_timeout({}) == 24h);
}

} // namespace sluice::fpm
