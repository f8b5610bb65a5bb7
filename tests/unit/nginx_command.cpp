#include <doctest/doctest.h>

#include "init/nginx/recognise.h"

namespace sluice::nginx {

namespace {

using Words = std::vector<std::string>;

std::optional<Service> recognise_in_image(const Words& command) {
    return recognise(command, [](const std::string& program) { return program.ends_with(".sh"); });
}

} // namespace

TEST_CASE("nginx is recognised in the place of the program") {
    for (const auto& command : std::vector<Words>{
             {"nginx"},
             {"/usr/sbin/nginx", "-c", "/etc/x.conf"},
             {"/docker-entrypoint.sh", "nginx", "-g", "daemon off;"},
             {"first.sh", "/second.sh", "nginx"},
             {"wait.sh", "db:3306", "--", "nginx"},
         }) {
        CAPTURE(command.back());
        CHECK(recognise_in_image(command));
    }
}

TEST_CASE("what only sounds like nginx is not nginx, nor is one that only tells or signals") {
    for (const auto& command : std::vector<Words>{
             {},
             {"nginx.sh"},
             {"nginx-debug"},
             {"grep", "nginx"},
             {"sh", "-c", "nginx"},
             {"nginx", "-t"},
             {"nginx", "-qT"},
             {"nginx", "-V"},
             {"nginx", "-s", "reload"},
             {"nginx", "-sreload"},
             {"nginx", "-c", "/x.conf", "-t"},
         }) {
        CHECK_FALSE(recognise_in_image(command));
    }
}

TEST_CASE("an option's value is none of its letters") {
    for (const auto& command : std::vector<Words>{
             {"nginx", "-c", "-t"},
             {"nginx", "-c/test/v"},
             {"nginx", "-g", "user test;"},
             {"nginx", "-qc", "-s"},
             {"nginx", "-e", "stderr", "-p", "-h"},
         }) {
        CAPTURE(command.back());
        CHECK(recognise_in_image(command));
    }
}

TEST_CASE("what stands before nginx, its words and the directives of -g are told apart") {
    const auto service =
        recognise_in_image({"/docker-entrypoint.sh", "nginx", "-qgdaemon off;", "-c", "x"});
    REQUIRE(service);
    CHECK(service->wrapper == Words{"/docker-entrypoint.sh"});
    CHECK(service->by_docker_entrypoint);
    CHECK(service->program == "nginx");
    CHECK(service->directives == "daemon off;");
    CHECK(check(*service) == Words{"-qgdaemon off;", "-c", "x", "-T"});
    CHECK_FALSE(
        recognise_in_image({"a.sh", "docker-entrypoint.sh", "nginx"})->by_docker_entrypoint);
    CHECK_FALSE(recognise_in_image({"nginx"})->by_docker_entrypoint);
}

TEST_CASE("of a refusal the errors are said, and neither the warnings nor nginx's name") {
    CHECK(complaints_in("nginx: [warn] a duplicate\nnginx: [emerg] unknown directive \"x\" in "
                        "/a:1\nnginx: configuration file /a test failed\n") ==
          "[emerg] unknown directive \"x\" in /a:1; configuration file /a test failed");
    CHECK(complaints_in("2026/11/23 12:50:02 [emerg] 7#7: unknown directive \"x\" in /a:1\n"
                        "nginx: configuration file /a test failed\n") ==
          "[emerg] 7#7: unknown directive \"x\" in /a:1; configuration file /a test failed");
    CHECK(complaints_in("something else\n") == "something else\n");
}

} // namespace sluice::nginx
