#include <doctest/doctest.h>

#include "init/fpm/config_check.h"

namespace sluice::fpm {

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

TEST_CASE("opcache without a /tmp is told what to do about it, others are not") {
    CHECK(cure_for("Fatal Error Unable to create lock file: Read-only file system (30)")
              .find("--tmpfs /tmp") != std::string::npos);
    CHECK(cure_for("ERROR: [pool www] no user").empty());
}

TEST_CASE("where FPM looks by itself") {
    CHECK(usual_config_paths("/usr/sbin/php-fpm8.2") ==
          std::vector<std::string>{"/etc/php/8.2/fpm/php-fpm.conf", "/etc/php82/php-fpm.conf",
                                   "/usr/local/etc/php-fpm.conf", "/etc/php-fpm.conf"});
    CHECK(usual_config_paths("php-fpm").front() == "/usr/local/etc/php-fpm.conf");
}

} // namespace sluice::fpm
