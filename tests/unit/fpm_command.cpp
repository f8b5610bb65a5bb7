#include <doctest/doctest.h>

#include "init/core/program_place.h"
#include "init/fpm/arguments.h"
#include "init/fpm/recognise.h"

namespace sluice::fpm {

namespace {

using Words = std::vector<std::string>;

std::optional<Service> recognise_in_image(const Words& command) {
    const Image image{.is_script =
                          [](const std::string& program) {
                              return program.ends_with("entrypoint") || program.ends_with(".sh");
                          },
                      .has = [](const std::string& program) { return program == "php-fpm"; }};
    return recognise(command, image);
}

} // namespace

TEST_CASE("FPM is recognised in the place of the program") {
    for (const auto& command : std::vector<Words>{
             {"php-fpm"},
             {"php-fpm8.2", "-F"},
             {"/usr/sbin/php-fpm82", "-y", "/etc/x.conf"},
             {"docker-php-entrypoint", "php-fpm"},
             {"/usr/local/bin/docker-php-entrypoint", "php-fpm", "-R"},
             {"docker-php-entrypoint", "-F"},
             {"docker-php-entrypoint", "--fpm-config=/x"},
             {"/entrypoint.sh", "docker-php-entrypoint", "php-fpm"},
             {"wait.sh", "db:3306", "--", "php-fpm"},
         }) {
        CAPTURE(command.back());
        CHECK(recognise_in_image(command));
    }
}

TEST_CASE("what only sounds like FPM is not FPM") {
    for (const auto& command : std::vector<Words>{
             {},
             {"php-fpm_exporter"},
             {"php-fpm-healthcheck"},
             {"tail", "php-fpm.log"},
             {"tail", "-f", "php-fpm"},
             {"sh", "-c", "php-fpm"},
             {"php-fpm", "-t"},
             {"php-fpm", "-tt"},
             {"php-fpm", "-v"},
             {"php-fpm", "-nm"},
             {"php-fpm", "--info"},
             {"php-fpm", "-y", "/x", "-h"},
             {"docker-php-entrypoint", "php"},
             {"docker-php-entrypoint"},
             {"docker-php-entrypoint", "-i"},
             {"entrypoint.sh", "tail", "--", "x"},
             {"entrypoint.sh", "--"},
         }) {
        CAPTURE(command.size());
        CHECK_FALSE(recognise_in_image(command));
    }
}

TEST_CASE("where no php-fpm is on the PATH, an entrypoint's flags are php's") {
    const Image image{.is_script = [](const std::string&) { return true; },
                      .has = [](const std::string&) { return false; }};
    CHECK_FALSE(recognise({"docker-php-entrypoint", "-a"}, image));
}

TEST_CASE("the parts of a recognised command") {
    const auto service = recognise_in_image({"wait.sh", "db", "--", "/sbin/php-fpm8.4", "-R"});
    REQUIRE(service);
    CHECK(service->wrapper == Words{"wait.sh", "db", "--"});
    CHECK(service->program == "/sbin/php-fpm8.4");
    CHECK(service->arguments.others == Words{"-R"});
    CHECK(service->scripted);
    CHECK_FALSE(service->implied);

    const auto flags = recognise_in_image({"docker-php-entrypoint", "-R"});
    REQUIRE(flags);
    CHECK(flags->program == "php-fpm");
    CHECK(flags->implied);
    CHECK_FALSE(flags->scripted);
}

TEST_CASE("FPM's arguments are read as FPM reads them") {
    struct Case {
        Words words;
        std::optional<std::string> config;
        Words others;
    };

    for (const auto& [words, config, others] : std::vector<Case>{
             {{}, {}, {}},
             {{"-y", "/a"}, "/a", {}},
             {{"-y/a"}, "/a", {}},
             {{"-y=/a"}, "/a", {}},
             {{"--fpm-config", "/a"}, "/a", {}},
             {{"--fpm-config=/a"}, "/a", {}},
             {{"-y", "/a", "-y", "/b"}, "/b", {}},
             {{"-FD", "-R"}, {}, {"-R"}},
             {{"-Ry", "/a"}, "/a", {"-R"}},
             {{"-D", "--daemonize", "--nodaemonize"}, {}, {}},
             {{"-d", "a=b", "-da=c", "--define=x=y"}, {}, {"-d", "a=b", "-d", "a=c", "-d", "x=y"}},
             {{"-c", "/ini", "-n"}, {}, {"-c", "/ini", "-n"}},
             {{"-Z", "--new-option"}, {}, {"-Z", "--new-option"}},
             {{"-y"}, {}, {"-y"}},
             {{"-R", "stray", "-y", "/a"}, {}, {"-R", "stray", "-y", "/a"}},
         }) {
        const auto arguments = parse_arguments(words);
        CHECK(arguments.config == config);
        CHECK(arguments.others == others);
        CHECK_FALSE(arguments.only_tells);
    }
}

TEST_CASE("the words for a run and for a check") {
    const auto arguments = parse_arguments({"-D", "-y", "/a", "-R"});
    CHECK(foreground(arguments, "/wrapper") == Words{"-F", "-y", "/wrapper", "-R"});
    CHECK(foreground(arguments, "") == Words{"-F", "-R"});
    CHECK(check(arguments, "/a") == Words{"-t", "-y", "/a", "-R"});
    CHECK(check(arguments, "") == Words{"-t", "-R"});
    CHECK(tell(arguments, "/a") == Words{"-tt", "-y", "/a", "-R"});
}

TEST_CASE("a shell around FPM is warned of, others are not") {
    CHECK(core::shell_form_warning({"sh", "-c", "php-fpm -F"}).find("CMD [\"php-fpm\"]") !=
          std::string::npos);
    CHECK_FALSE(core::shell_form_warning({"/bin/bash", "-c", "php-fpm"}).empty());
    CHECK(core::shell_form_warning({"docker-php-entrypoint", "/bin/sh", "-c", "php-fpm"})
              .find("(/bin/sh -c ...)") != std::string::npos);
    CHECK(core::shell_form_warning({"docker-php-entrypoint", "sh", "-c", "sleep 1"}).empty());
    CHECK(core::shell_form_warning({"docker-php-entrypoint", "sh", "-c"}).empty());
    CHECK(core::shell_form_warning({"sh", "-c", "sleep 1"}).empty());
    CHECK(core::shell_form_warning({"/bin/sh", "-c", "nginx -g 'daemon off;'"})
              .find("CMD [\"nginx\"]") != std::string::npos);
    CHECK(core::shell_form_warning({"php-fpm"}).empty());
    CHECK(core::shell_form_warning({"sh", "run.sh", "php-fpm"}).empty());
}

} // namespace sluice::fpm
