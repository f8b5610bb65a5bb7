#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

#include "fpm_site.h"
#include "processes.h"

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void pause(std::chrono::milliseconds duration) {
    const timespec time{0, static_cast<long>(duration.count()) * 1'000'000};
    ::nanosleep(&time, nullptr);
}

// From here on a signal is neither lost nor deadly.
bool listens_to_signals(Sluice& sluice) {
    return eventually([&] {
        const auto blocked = status_field(sluice.pid(), "SigBlk");
        return (std::stoull("0" + blocked, nullptr, 16) & (1ULL << (SIGTERM - 1))) != 0;
    });
}

} // namespace

TEST_CASE("a request in flight at the stop is answered whole") {
    const Mode mode = each_mode();
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
        CAPTURE(signal);
        const FpmSite site;
        Sluice sluice({.command = site.command(), .mode = mode});
        REQUIRE(site.serves());
        auto request = site.in_flight(500ms);
        sluice.signal(signal);
        CHECK(site.is_whole(request.answer()));
        CHECK(sluice.exit_status() == 0);
        CHECK(contains(sluice.last_log_line(), "stopped in"));
        CHECK(contains(sluice.last_log_line(), "finished"));
    }
}

TEST_CASE("the control: bare FPM loses the request in flight at SIGTERM") {
    const FpmSite site;
    ChildProcess fpm({site.command({"-F"}), {}, {}});
    REQUIRE(site.serves());
    auto request = site.in_flight(500ms);
    ::kill(fpm.pid(), SIGTERM);
    CHECK_FALSE(request.answer().has_value());
    CHECK(fpm.wait() == 0);
}

TEST_CASE("sluice and FPM as www-data answer the request in flight") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: becoming www-data needs root");
        return;
    }
    const FpmSite site;
    Sluice sluice({.command = site.command(), .before_exec = become_www_data});
    REQUIRE(site.serves());
    auto request = site.in_flight(500ms);
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("an idle FPM stops quickly and with 0") {
    const FpmSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    const auto begin = std::chrono::steady_clock::now();
    CHECK(sluice.stop() == 0);
    // Less than the deadline: it did not hang in a keep-alive or a timeout.
    CHECK(std::chrono::steady_clock::now() - begin < 8s);
    CHECK(contains(sluice.last_log_line(), "stopped in"));
}

TEST_CASE("a request longer than the deadline is cut, named and counted") {
    const FpmSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[drain]\ndeadline = \"300ms\"\nkill_after = \"2s\"\n"});
    REQUIRE(site.serves());
    auto first = site.in_flight(100s);
    auto second = site.in_flight(100s);
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(first.answer().has_value());
    CHECK_FALSE(second.answer().has_value());
    CHECK(occurrences(sluice.err(), "cut: pool www") == 2);
    CHECK(occurrences(sluice.err(), site.folder().path("app/slow.php")) == 2);
    CHECK(contains(sluice.last_log_line(), "2 requests cut"));
}

TEST_CASE("a suspended FPM does not outlive the deadline, nor do its workers") {
    const FpmSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[drain]\ndeadline = \"200ms\"\nkill_after = \"200ms\"\n"});
    REQUIRE(site.serves());
    auto request = site.in_flight(100s);
    const pid_t master = sluice.service();
    const auto workers = children_of(master);
    ::kill(master, SIGSTOP);
    CHECK(sluice.stop() == 0);
    CHECK(contains(sluice.last_log_line(), "1 request cut"));
    for (const pid_t worker : workers) CHECK_FALSE(exists(worker));
}

TEST_CASE("TERM at any moment of the start ends with 0") {
    const Mode mode = each_mode();
    for (int run = 0; run < 20; ++run) {
        CAPTURE(run);
        const FpmSite site;
        Sluice sluice({.command = site.command(), .mode = mode});
        REQUIRE(listens_to_signals(sluice));
        pause(3ms * run);
        CHECK(sluice.stop() == 0);
    }
}

TEST_CASE("a second INT hurries") {
    const FpmSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[drain]\ndeadline = \"10m\"\n"});
    REQUIRE(site.serves());
    auto request = site.in_flight(100s);
    sluice.signal(SIGINT);
    REQUIRE(sluice.logs("stopping"));
    sluice.signal(SIGINT);
    CHECK(sluice.exit_status() == 0);
    CHECK_FALSE(request.answer().has_value());
    CHECK(contains(sluice.last_log_line(), "1 request cut"));
    CHECK(contains(sluice.last_log_line(), "INT"));
}

TEST_CASE("a second TERM changes nothing") {
    const FpmSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    auto request = site.in_flight(1'500ms);
    sluice.signal(SIGTERM);
    REQUIRE(sluice.logs("stopping"));
    sluice.signal(SIGTERM);
    REQUIRE(sluice.logs("already stopping"));
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.exit_status() == 0);
    CHECK(contains(sluice.last_log_line(), "finished"));
}

TEST_CASE("nginx in front: the request in flight at the stop is answered through it") {
    const FpmSite site;
    const int port = free_port();
    const auto config = site.folder().write(
        "nginx.conf",
        "daemon off;\nuser www-data;\nworker_processes 1;\npid " + site.folder().path("nginx.pid") +
            ";\nerror_log " + site.folder().path("nginx.log") +
            ";\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path " +
            site.folder().path("body") + ";\nfastcgi_temp_path " + site.folder().path("fastcgi") +
            ";\nproxy_temp_path " + site.folder().path("proxy") + ";\nscgi_temp_path " +
            site.folder().path("scgi") + ";\nuwsgi_temp_path " + site.folder().path("uwsgi") +
            ";\nserver {\nlisten 127.0.0.1:" + std::to_string(port) + ";\nroot " +
            site.folder().path("app") +
            ";\nlocation ~ \\.php$ {\nfastcgi_pass 127.0.0.1:" + std::to_string(site.port()) +
            ";\nfastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\n"
            "fastcgi_param QUERY_STRING $query_string;\n"
            "fastcgi_param REQUEST_METHOD $request_method;\n}\n}\n}\n");
    ChildProcess nginx({{"nginx", "-c", config, "-e", site.folder().path("nginx.log")}, {}, {}});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(eventually([&] { return HttpRequest(port, "/index.php").answer() == "pong"; }));
    auto request = site.in_flight_through(port, 700ms);
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.exit_status() == 0);
}

} // namespace tests
