#include <doctest/doctest.h>

#include "init/fpm/config_check.h"

namespace sluice::fpm {

using namespace std::chrono_literals;

TEST_CASE("the path of the configuration is in what FPM's check writes") {
    CHECK(config_path_in("[23-Nov-2026 04:58:45] NOTICE: configuration file "
                         "/etc/php/8.2/fpm/php-fpm.conf test is successful\n\n") ==
          "/etc/php/8.2/fpm/php-fpm.conf");
    CHECK(config_path_in("[x] ERROR: failed to load configuration file '/a b/c.conf'\n") ==
          "/a b/c.conf");
    CHECK_FALSE(config_path_in(""));
    CHECK_FALSE(config_path_in("configuration file \nfailed to load configuration file ''"));
    CHECK_FALSE(config_path_in(std::string("\0\xff configuration file", 21)));
}

TEST_CASE("complaints come without time, once each, in one line") {
    CHECK(complaints_in("[23-Nov-2026 04:58:45] ERROR: [pool www] no user\n"
                        "[23-Nov-2026 04:58:45] ERROR: [pool www] no user\n\n"
                        "[23-Nov-2026 04:58:45] ERROR: FPM initialization failed\r\n") ==
          "ERROR: [pool www] no user; ERROR: FPM initialization failed");
    CHECK(complaints_in("").empty());
    CHECK(complaints_in("[no end").find("[no end") == 0);
}

TEST_CASE("where FPM looks by itself") {
    CHECK(usual_config_paths("/usr/sbin/php-fpm8.2") ==
          std::vector<std::string>{"/etc/php/8.2/fpm/php-fpm.conf", "/etc/php82/php-fpm.conf",
                                   "/usr/local/etc/php-fpm.conf", "/etc/php-fpm.conf"});
    CHECK(usual_config_paths("php-fpm").front() == "/usr/local/etc/php-fpm.conf");
}

TEST_CASE("the wrapper includes the user's file and overrides after it") {
    CHECK(wrapper_config("/usr/local/etc/php-fpm.conf", 10s) ==
          "include=/usr/local/etc/php-fpm.conf\n"
          "[global]\n"
          "daemonize = no\n"
          "process_control_timeout = 10s\n");
}

TEST_CASE("a path that FPM's include would read otherwise is not wrapped") {
    for (const auto* const path : {"/a*b", "/a[1]", "/a?b", "/a;b", "/a b", "/a\nb", "/a\"b"}) {
        CAPTURE(path);
        CHECK_FALSE(wrapper_config(path, 10s));
    }
}

TEST_CASE("FPM's own escalation comes after sluice's deadline") {
    CHECK(control_timeout(9s) == 10s);
    CHECK(control_timeout(8'500ms) == 10s);
    CHECK(control_timeout(1ms) == 2s);
    CHECK(control_timeout({}) == 24h);
}

} // namespace sluice::fpm
