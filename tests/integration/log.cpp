#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <regex>

#include "fpm_site.h"
#include "json.h"
#include "sluice.h"

namespace tests {

namespace {

const std::string talkative = "[log]\nlevel = \"debug\"\n";
const std::string json = "[log]\nlevel = \"debug\"\nformat = \"json\"\n";

// Signals reach the service and a stop ends it, whatever becomes of the log.
void check_served(Sluice& sluice, const std::string& label = "child") {
    REQUIRE(sluice.says(label + " ready"));
    for (int times = 1; times <= 100; ++times) {
        sluice.signal(SIGUSR1);
        CHECK(sluice.says(label + " signal 10 value -1\n", times));
    }
    CHECK(sluice.stop() == 0);
}

// Until nothing more goes in. The pipe is the service's as well, and is left as it was.
void fill(int pipe) {
    ::fcntl(pipe, F_SETFL, O_NONBLOCK);
    const std::string line(4'096, '.');
    while (::write(pipe, line.data(), line.size()) > 0) {
    }
    ::fcntl(pipe, F_SETFL, 0);
}

// FPM says on stderr which sockets it was given, whatever its log is.
bool is_fpms_own(const std::string& line) {
    return line.starts_with('[') && line.find("NOTICE: using inherited socket") != line.npos;
}

void check_json_lines(const std::string& log) {
    const std::regex rfc_3339(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)");
    CHECK_FALSE(log.empty());
    for (const auto& line : lines_of(log)) {
        if (is_fpms_own(line)) continue;
        CAPTURE(line);
        auto members = parse_object(line);
        REQUIRE(members);
        CHECK(std::regex_match((*members)["@timestamp"], rfc_3339));
        CHECK((*members)["@version"] == "1");
        CHECK_FALSE((*members)["level"].empty());
        CHECK_FALSE((*members)["message"].empty());
    }
}

} // namespace

TEST_CASE("closed stderr stops nothing") {
    Sluice sluice(
        {.command = role("record"), .mode = each_mode(), .config = talkative, .before_exec = [] {
             ::close(STDERR_FILENO);
         }});
    check_served(sluice);
}

TEST_CASE("closed stdin, stdout and stderr: the service does not inherit what took their place") {
    const TempFolder folder;
    const auto close_all = [] {
        for (const int fd : {0, 1, 2}) ::close(fd);
    };
    Sluice sluice({.command = shell("ls /proc/$$/fd > " + folder.path("open")),
                   .mode = each_mode(),
                   .config = talkative,
                   .before_exec = close_all});
    CHECK(sluice.exit_status() == 0);
    const auto open = lines_of(read_file(folder.path("open")));
    for (const auto& number : open) {
        CAPTURE(number);
        CHECK(std::stoi(number) <= 2);
    }
}

TEST_CASE("a full disk stops nothing") {
    const auto full = [] { ::dup2(::open("/dev/full", O_WRONLY | O_CLOEXEC), STDERR_FILENO); };
    Sluice sluice(
        {.command = role("record"), .mode = each_mode(), .config = talkative, .before_exec = full});
    check_served(sluice);
}

TEST_CASE("a pipe whose reader is gone stops nothing") {
    Pipe pipe;
    pipe.read_end.close();
    Sluice sluice(
        {.command = role("record"), .mode = each_mode(), .config = talkative, .before_exec = [&] {
             ::dup2(pipe.write_end.get(), STDERR_FILENO);
         }});
    check_served(sluice);
}

TEST_CASE("a pipe that the service has filled and nobody reads neither stops nor slows") {
    Pipe pipe;
    Sluice sluice(
        {.command = role("fill"), .mode = each_mode(), .config = talkative, .before_exec = [&] {
             ::dup2(pipe.write_end.get(), STDERR_FILENO);
         }});
    REQUIRE(sluice.says("full"));
    check_served(sluice, "filler");
}

TEST_CASE("a full pipe does not hold up an FPM's drain") {
    Pipe pipe;
    const FpmSite site;
    Sluice fpm(
        {.command = site.command(), .mode = each_mode(), .config = talkative, .before_exec = [&] {
             ::dup2(pipe.write_end.get(), STDERR_FILENO);
         }});
    REQUIRE(site.serves());
    auto request = site.in_flight(300ms);
    fill(pipe.write_end.get());
    fpm.signal(SIGTERM);
    CHECK(site.is_whole(request.answer()));
    CHECK(fpm.exit_status() == 0);
}

TEST_CASE("the service's stderr is as it was: sluice does not make it non-blocking") {
    Sluice sluice({.command = {"grep", "flags", "/proc/self/fdinfo/2"},
                   .mode = each_mode(),
                   .config = talkative});
    CHECK(sluice.exit_status() == 0);
    CHECK((std::stol(sluice.out().substr(7), nullptr, 8) & O_NONBLOCK) == 0);
}

TEST_CASE("every line of a JSON log is one object") {
    Sluice sluice({.command = role("record"), .mode = each_mode(), .config = json});
    REQUIRE(sluice.says("ready"));
    sluice.signal(SIGUSR1);
    CHECK(sluice.says("signal 10"));
    CHECK(sluice.stop() == 0);
    check_json_lines(sluice.err());
}

TEST_CASE("an FPM's JSON log, with a cut request") {
    const FpmSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = json + "[drain]\ndeadline = \"200ms\"\n"});
    REQUIRE(site.serves());
    auto request = site.in_flight(100s);
    CHECK(sluice.stop() == 0);
    check_json_lines(sluice.err());
    auto last = parse_object(lines_of(sluice.err()).back());
    REQUIRE(last);
    CHECK((*last)["event"] == "stopped");
    CHECK((*last)["cut"] == "1");
    CHECK_FALSE((*last)["took_ms"].empty());
}

TEST_CASE("newlines, quotes and bytes that are no UTF-8 in the command do not break lines") {
    const std::string name = "/no/such\n{\"a\":\x01\xff\\\"\x1b[31m\xc3\xa4";
    Sluice in_json({.command = {name}, .mode = each_mode(), .config = json});
    CHECK(in_json.exit_status() == 127);
    check_json_lines(in_json.err());
    Sluice in_text({.command = {name}, .config = talkative});
    CHECK(in_text.exit_status() == 127);
    for (const auto& line : lines_of(in_text.err())) {
        CAPTURE(line);
        CHECK(line.find(" sluice ") == 24);
        CHECK(line.find('\x1b') == std::string::npos);
    }
}

TEST_CASE("a configuration error in a JSON log is an object too") {
    Sluice sluice({.command = {"true"},
                   .config = "[log]\nformat = \"json\"\n[drain]\ndeadline = \"x\\n\\\"\"\n"});
    CHECK(sluice.exit_status() == 125);
    check_json_lines(sluice.err());
}

} // namespace tests
