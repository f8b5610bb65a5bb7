#include "fpm_site.h"

#include <doctest/doctest.h>
#include <grp.h>
#include <unistd.h>

#include <filesystem>

namespace tests {

namespace {

constexpr uid_t www_data = 33;

// In slices, looking at the clock: a signal ends sleep() early.
const std::string slow_php = R"(<?php
$end = hrtime(true) + (int) $_GET['ms'] * 1_000_000;
touch(__DIR__ . '/../marks/' . $_GET['mark']);
while (hrtime(true) < $end) {
    usleep(5_000);
}
echo "the whole answer\n";
)";

// As the official image has it.
const std::string docker_php_entrypoint = R"(#!/bin/sh
set -e
# first arg is `-f` or `--some-option`
if [ "${1#-}" != "$1" ]; then
	set -- php-fpm "$@"
fi
exec "$@"
)";

} // namespace

bool each_transport() {
    bool by_path = false;
    SUBCASE("over TCP") {
        by_path = false;
    }
    SUBCASE("over a unix socket") {
        by_path = true;
    }
    return by_path;
}

FpmSite::FpmSite(const FpmLines& lines)
    : port_(free_port()),
      place_(lines.by_path ? Place(folder_.path("marks/fpm.sock")) : Place(port_)) {
    folder_.write("app/slow.php", slow_php);
    folder_.write("app/index.php", "<?php echo \"pong\";\n");
    folder_.write("bin/docker-php-entrypoint", docker_php_entrypoint, 0755);
    folder_.write("bin/wrapper", "#!/bin/sh\nexec \"$@\"\n", 0755);
    std::filesystem::create_symlink("/usr/sbin/php-fpm8.2", folder_.path("bin/php-fpm"));
    std::filesystem::create_directory(folder_.path("marks"));
    std::filesystem::permissions(folder_.path("marks"), std::filesystem::perms::all);
    const std::string listen = lines.by_path ? "@folder@/marks/fpm.sock" : "127.0.0.1:@port@";
    // Not /proc/self/fd/2: as www-data FPM may not open another user's pipe.
    folder_.write("php-fpm.conf",
                  fill_in("[global]\nerror_log = @folder@/marks/fpm.log\n" + lines.global +
                          "\n[www]\nuser = www-data\ngroup = www-data\nlisten = " + listen +
                          "\npm = static\npm.max_children = 3\n" + lines.pool + "\n" + lines.more));
}

std::string FpmSite::fill_in(std::string text) const {
    const auto replace = [&text](const std::string& mark, const std::string& by) {
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
            text.replace(at, mark.size(), by);
        }
    };
    replace("@folder@", folder_.path());
    replace("@port@", std::to_string(port_));
    return text;
}

std::vector<std::string> FpmSite::command(const std::vector<std::string>& words) const {
    std::vector<std::string> command{"php-fpm8.2", "-y", config()};
    command.insert(command.end(), words.begin(), words.end());
    return command;
}

std::map<std::string, std::string> FpmSite::search_path() const {
    return {{"PATH", folder_.path("bin") + ":/usr/sbin:/usr/bin:/sbin:/bin"}};
}

bool FpmSite::serves(const Place& place) const {
    return eventually(
        [&] { return FastcgiRequest(place, folder_.path("app/index.php")).answer() == "pong"; });
}

std::string FpmSite::next_mark() const {
    return "mark" + std::to_string(++marks_);
}

void FpmSite::await_mark(const std::string& mark) const {
    REQUIRE(eventually([&] { return folder_.has("marks/" + mark); }));
}

FastcgiRequest FpmSite::in_flight(std::chrono::milliseconds duration, const Place& place) const {
    const auto mark = next_mark();
    FastcgiRequest request(place, folder_.path("app/slow.php"),
                           "mark=" + mark + "&ms=" + std::to_string(duration.count()));
    await_mark(mark);
    return request;
}

FastcgiRequest FpmSite::executing(const std::string& script, const std::string& query) const {
    const auto mark = next_mark();
    FastcgiRequest request(place_, folder_.path("app/" + script), "mark=" + mark + "&" + query);
    await_mark(mark);
    return request;
}

HttpRequest FpmSite::in_flight_through(int http_port, std::chrono::milliseconds duration) const {
    const auto mark = next_mark();
    HttpRequest request(http_port,
                        "/slow.php?mark=" + mark + "&ms=" + std::to_string(duration.count()));
    await_mark(mark);
    return request;
}

bool FpmSite::is_whole(const std::optional<std::string>& answer) {
    return answer == "the whole answer\n";
}

void become_www_data() {
    if (::setgroups(0, nullptr) != 0 || ::setgid(www_data) != 0 || ::setuid(www_data) != 0) {
        ::_exit(98);
    }
}

} // namespace tests
