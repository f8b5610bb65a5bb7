#include "init/fpm/warmup.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>

#include "client.h"
#include "fpm_generation.h"
#include "init/fpm/head_start.h"
#include "tests/integration/await.h"

// A real PHP-FPM of the next generation, proved and warmed while another one is live.

namespace sluice::fpm {

namespace asio = boost::asio;
using config::Warmup;
using tests::body_of;
using tests::FpmGeneration;
using tests::FpmPool;
using tests::run_until;
using namespace std::chrono_literals;

namespace {

constexpr int libraries = 40;

/// Two releases of an application of many files, and the address that it is served at.
class Site {
  public:
    explicit Site(bool by_path = false)
        : wanted_{.endpoint = by_path ? net::Endpoint(net::PathEndpoint{folder_.path("fpm.sock")})
                                      : net::Endpoint(tests::free_endpoint())},
          address_(opened(wanted_)) {
        std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
        for (const auto* const release : {"1", "2"}) publish(release);
        std::filesystem::create_directory_symlink("releases/1", folder_.path("current"));
    }

    const tests::TempFolder& folder() const { return folder_; }

    net::Address& address() { return address_; }

    const net::Wanted& wanted() const { return wanted_; }

    const net::Endpoint& endpoint() const { return wanted_.endpoint; }

    Needs needs(const std::string& release) const {
        return {.workers = {},
                .release = Release{.link = folder_.path("current"),
                                   .folder = folder_.path("releases/" + release)},
                .fresh_files = true,
                .way_in = true};
    }

    void join() {
        if (const auto refused = address_.join(wanted_)) FAIL(refused->why);
    }

    FpmGeneration live(const FpmPool& pool = {}) {
        return {folder_, pool, wanted_, address_.live(), needs("1")};
    }

    FpmGeneration next(const FpmPool& pool, const Needs& needs) {
        return {folder_, pool, wanted_, *address_.next(), needs};
    }

    FpmGeneration next(const FpmPool& pool = {}) { return next(pool, needs("2")); }

    std::string write(const std::string& name, const std::string& text) const {
        return folder_.write("releases/2/" + name, text);
    }

  private:
    static net::Address opened(const net::Wanted& wanted) {
        auto made = net::Address::open(wanted);
        if (const auto* const refused = std::get_if<net::Refused>(&made)) FAIL(refused->why);
        return std::get<net::Address>(std::move(made));
    }

    void publish(const std::string& release) {
        const auto at = "releases/" + release + "/";
        for (int i = 0; i < libraries; ++i) {
            const auto number = std::to_string(i);
            folder_.write(at + "lib/" + number + ".php",
                          "<?php function f" + number + "() { return " + number + "; }\n");
        }
        folder_.write(at + "public/index.php",
                      "<?php foreach (glob(__DIR__ . '/../lib/*.php') as $file) require $file;\n"
                      "echo 'release " +
                          release +
                          ", ', $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['REQUEST_URI'], ' ', "
                          "$_SERVER['HTTP_HOST'], ' ', file_get_contents('php://input');\n");
        folder_.write(at + "public/stat.php",
                      "<?php $s = opcache_get_status();\n"
                      "echo 'release " +
                          release +
                          ": ', $s['opcache_statistics']['num_cached_scripts'], ', index ', "
                          "count(array_filter(array_keys($s['scripts']), fn($name) => "
                          "str_contains($name, 'index.php')));\n");
    }

    tests::TempFolder folder_;
    net::Wanted wanted_;
    net::Address address_;
};

void prove(asio::io_context& loop, const Entrance& entrance) {
    Proof proof(loop, {entrance});
    bool answered = false;
    proof.start([&] { answered = true; });
    CHECK_FALSE(answered);
    const bool in_time = run_until(loop, [&] { return answered; });
    INFO(proof.missing());
    REQUIRE(in_time);
}

std::optional<std::string> warmed(asio::io_context& loop, const Entrance& entrance,
                                  const std::vector<Warmup>& entries) {
    WarmUp warm_up(loop, entries, {entrance});
    int ends = 0;
    std::optional<std::string> result;
    warm_up.start([&](const std::optional<std::string>& why) {
        ++ends;
        result = why;
    });
    CHECK(ends == 0);
    REQUIRE(run_until(loop, [&] { return ends > 0; }));
    CHECK(ends == 1);
    return result;
}

net::OwnConnection own(const Entrance& entrance) {
    auto made = entrance.way_in.connect();
    if (const int* const error = std::get_if<int>(&made)) FAIL("errno " << *error);
    return std::get<net::OwnConnection>(std::move(made));
}

auto open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

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

void contains(const std::optional<std::string>& why, const std::vector<std::string>& parts) {
    REQUIRE(why);
    MESSAGE(*why);
    for (const auto& part : parts) {
        CAPTURE(part);
        CHECK(why->find(part) != std::string::npos);
    }
}

} // namespace

TEST_CASE("a warm-up right after publishing fills the new generation's opcache, and no other") {
    Site site(each_transport());
    asio::io_context loop;
    const FpmPool pool{.allowed_clients = "10.9.9.9"};
    const auto live = site.live(pool);
    site.join();
    const auto next = site.next(pool);
    const auto entrance = next.entrance(site.address());
    prove(loop, entrance);
    CHECK(body_of(loop, own(entrance), "public/stat.php") == "release 2: 1, index 0");

    const auto failed = warmed(loop, entrance,
                               {{.script = "public/index.php",
                                 .headers = {{"Host", "example.org"}},
                                 .count = 9,
                                 .concurrency = 3,
                                 .text = "release 2, GET /index.php example.org"},
                                {.script = "public/index.php",
                                 .uri = "/login?a=b",
                                 .method = "POST",
                                 .body = "name=x",
                                 .text = "release 2, POST /login?a=b localhost name=x"}});
    CHECK_MESSAGE(!failed, *failed);
    CHECK(body_of(loop, own(entrance), "public/stat.php") ==
          "release 2: " + std::to_string(libraries + 2) + ", index 1");
    CHECK(body_of(loop, site.endpoint(), "public/stat.php") == "release 1: 1, index 0");

    // Users meet it warm.
    if (const auto refused = site.address().switch_over()) FAIL(refused->why);
    CHECK(body_of(loop, site.endpoint(), "public/stat.php") ==
          "release 2: " + std::to_string(libraries + 2) + ", index 1");
}

TEST_CASE("control: without fresh_files such a warm-up caches nothing") {
    Site site;
    asio::io_context loop;
    site.join();
    auto needs = site.needs("2");
    needs.fresh_files = false;
    const auto next = site.next({}, needs);
    const auto entrance = next.entrance(site.address());
    prove(loop, entrance);
    site.write("public/index.php", "<?php echo 'just published';\n");
    CHECK_FALSE(warmed(loop, entrance, {{.script = "public/index.php", .count = 3}}));
    const auto stat = body_of(loop, own(entrance), "public/stat.php");
    CHECK(stat.find("index 0") != std::string::npos);
}

TEST_CASE("control: a pool that does not let sluice in is not proved, and that is told") {
    Site site;
    asio::io_context loop;
    site.join();
    auto needs = site.needs("2");
    needs.way_in = false; // nothing is added to listen.allowed_clients
    const auto next =
        site.next({.allowed_clients = "10.9.9.9", .lines = "ping.path = /ping"}, needs);
    auto entrance = next.entrance(site.address());
    entrance.ping_path = "/ping";
    Proof proof(loop, {entrance});
    bool answered = false;
    proof.start([&] { answered = true; });
    CHECK(proof.missing() == "pool www (no answer to its ping yet)");
    CHECK(run_until(loop, [&] { return proof.missing().find("closed") != std::string::npos; }));
    CHECK_FALSE(answered);
    contains(warmed(loop, entrance, {{.script = "public/index.php"}}), {"listen.allowed_clients"});
}

TEST_CASE("the proof waits for an FPM that is started later, and for the right page") {
    Site site(each_transport());
    asio::io_context loop;
    site.join();
    bool answered = false;
    Proof proof(loop, {{.pool = "www",
                        .way_in = *site.address().way_in(),
                        .ping_path = "/0123456789abcdef/ping",
                        .ping_response = "pong"}});
    proof.start([&] { answered = true; });
    loop.run_for(50ms);
    CHECK_FALSE(answered);
    const auto next = site.next();
    CHECK(run_until(loop, [&] { return answered; }));
    CHECK(proof.missing().empty());

    bool wrong_answered = false;
    auto entrance = next.entrance(site.address());
    entrance.ping_response = "pang";
    Proof wrong(loop, {next.entrance(site.address()), entrance});
    wrong.start([&] { wrong_answered = true; });
    CHECK(run_until(loop, [&] { return wrong.missing().find("instead") != std::string::npos; }));
    loop.run_for(50ms);
    CHECK(wrong.missing() == "pool www (status 200 and \"pong\" instead of \"pang\")");
    CHECK_FALSE(wrong_answered);
}

TEST_CASE("a generation without pools is proved and warmed at once") {
    asio::io_context loop;
    Proof proof(loop, {});
    bool answered = false;
    proof.start([&] { answered = true; });
    CHECK(run_until(loop, [&] { return answered; }));
    WarmUp warm_up(loop, {}, {});
    bool done = false;
    warm_up.start([&](const std::optional<std::string>& why) { done = !why; });
    CHECK(run_until(loop, [&] { return done; }));
}

TEST_CASE("every way in which a warm-up fails is told with what to do") {
    Site site;
    asio::io_context loop;
    site.join();
    const auto next = site.next({.max_children = 2});
    const auto entrance = next.entrance(site.address());
    site.write(
        "public/broken.php",
        "<?php ini_set('log_errors', '1'); ini_set('error_log', ''); ini_set("
        "'display_errors', '0');\necho \"half\\n\\x1b[31m\"; throw new Exception('no db');\n");
    site.write("public/slow.php", "<?php usleep(5_000_000);\n");
    site.write("public/dies.php", "<?php posix_kill(getmypid(), 9);\n");
    site.write("public/large.php", "<?php echo str_repeat('x', 3_000_000), 'the end';\n");
    prove(loop, entrance);
    CHECK_FALSE(warmed(loop, entrance, {{.script = "public/large.php"}}));

    const auto fails = [&](const Warmup& entry) { return warmed(loop, entrance, {entry}); };
    contains(fails({.script = "public/broken.php", .count = 5}),
             {"reload.warmup[1] (pool www, script public/broken.php, GET /broken.php)",
              "request 1 of 5", "expected status 200, came status 500", "half\\n\\x1b[31m",
              "PHP says", "no db", "mend the release"});
    contains(fails({.script = "public/index.php", .text = "nowhere"}),
             {"expected \"nowhere\" in the body, came status 200", "release 2"});
    contains(fails({.script = "public/large.php", .text = "the end"}), {"(its first 1 MiB)"});
    contains(fails({.script = "public/none.php"}), {"status 404", "chdir"});
    contains(fails({.script = "public/dies.php"}), {"the connection", "a worker that died"});
    contains(fails({.script = "public/slow.php", .timeout = 50ms}), {"no answer within 50 ms"});
    contains(fails({.pool = "api", .script = "public/index.php"}),
             {"there is no pool api", "one of: www"});
    // The second entry, and not its first request.
    site.write("public/third.php",
               "<?php $f = __DIR__ . '/../../../count'; file_put_contents($f, 'x', FILE_APPEND);\n"
               "clearstatcache(); if (filesize($f) == 3) http_response_code(503);\n");
    contains(warmed(loop, entrance,
                    {{.script = "public/index.php"},
                     {.script = "public/third.php", .count = 9, .concurrency = 1}}),
             {"reload.warmup[2]", "request 3 of 9", "came status 503 without a body"});
    const auto two = std::vector<Entrance>{entrance, entrance};
    WarmUp ambiguous(loop, {{.script = "a.php"}}, two);
    std::optional<std::string> why;
    ambiguous.start([&](const std::optional<std::string>& came) { why = came; });
    CHECK(run_until(loop, [&] { return why.has_value(); }));
    contains(why, {"no pool is named"});
}

TEST_CASE("a way in that ends ends the warm-up with a sentence") {
    Site site;
    asio::io_context loop;
    site.join();
    const auto next = site.next();
    const auto entrance = next.entrance(site.address());
    prove(loop, entrance);
    site.address().give_up();
    contains(warmed(loop, entrance, {{.script = "public/index.php"}}), {"cannot connect"});
}

TEST_CASE("proof, head start and warm-up can be dropped at any moment, and leave nothing open") {
    Site site;
    asio::io_context loop;
    site.join();
    const auto next = site.next({.pm = "ondemand", .max_children = 8});
    const auto entrance = next.entrance(site.address());
    prove(loop, entrance);
    const auto before = open_descriptors();
    for (int rounds = 0; rounds < 60; ++rounds) {
        bool told = false;
        Proof proof(loop, {entrance});
        proof.start([&] { told = true; });
        HeadStart head_start(loop, entrance);
        head_start.start(8, 10s, [&](int) { told = true; });
        WarmUp warm_up(loop, {{.script = "public/index.php", .count = 99'999, .concurrency = 20}},
                       {entrance});
        warm_up.start([&](const auto&) { told = true; });
        for (int steps = 0; steps < rounds; ++steps) loop.run_one_for(5ms);
    }
    loop.restart();
    loop.poll(); // what was cancelled
    CHECK(open_descriptors() == before);
    // All 64 can be had again.
    std::vector<net::OwnConnection> all;
    for (int i = 0; i < 64; ++i) all.push_back(own(entrance));
}

TEST_CASE("more at a time than a way in has: they wait for each other") {
    Site site;
    asio::io_context loop;
    site.join();
    const auto next = site.next();
    const auto entrance = next.entrance(site.address());
    prove(loop, entrance);
    std::vector<net::OwnConnection> taken;
    for (int i = 0; i < 60; ++i) taken.push_back(own(entrance));
    WarmUp warm_up(loop, {{.script = "public/index.php", .count = 300, .concurrency = 500}},
                   {entrance});
    bool done = false;
    warm_up.start([&](const std::optional<std::string>& why) {
        CHECK_MESSAGE(!why, *why);
        done = true;
    });
    loop.run_for(100ms);
    CHECK_FALSE(done);
    taken.clear();
    CHECK(run_until(loop, [&] { return done; }));
}

TEST_CASE("an ondemand pool has as many idle workers as were asked for before the switch") {
    Site site(each_transport());
    asio::io_context loop;
    site.join();
    const auto next =
        site.next({.pm = "ondemand", .max_children = 7, .lines = "pm.status_path = /status"});
    const auto entrance = next.entrance(site.address());
    prove(loop, entrance);
    CHECK(next.workers() == 1); // the ping's
    int workers = -1;
    HeadStart head_start(loop, entrance);
    SUBCASE("five") {
        head_start.start(5, 10s, [&](int made) { workers = made; });
        CHECK(run_until(loop, [&] { return workers >= 0; }));
        CHECK(workers == 5);
        CHECK(next.workers() == 5);
    }
    SUBCASE("more than there may be: those that there are, when the time is over") {
        head_start.start(9, 1s, [&](int made) { workers = made; });
        CHECK(run_until(loop, [&] { return workers >= 0; }));
        CHECK(workers == 7);
        CHECK(next.workers() == 7);
    }
    SUBCASE("none") {
        head_start.start(0, 10s, [&](int made) { workers = made; });
        CHECK(workers == -1);
        CHECK(run_until(loop, [&] { return workers >= 0; }));
        CHECK(workers == 0);
    }
    // All of them are idle, but for the one that tells.
    const auto idle = "idle processes:       " + std::to_string(std::max(next.workers(), 1) - 1);
    CHECK(run_until(loop, [&] {
        return body_of(loop, own(entrance), "status").find(idle) != std::string::npos;
    }));
}

TEST_CASE("a dynamic pool starts with the workers that were asked for") {
    Site site;
    asio::io_context loop;
    site.join();
    auto needs = site.needs("2");
    needs.workers = {{"www", 6}};
    const auto next = site.next({.pm = "dynamic\npm.start_servers = 1\npm.min_spare_servers = 1\n"
                                       "pm.max_spare_servers = 2",
                                 .max_children = 8},
                                needs);
    const auto entrance = next.entrance(site.address());
    prove(loop, entrance);
    CHECK(
        run_until(loop, [&] { return next.workers() == 6; })); // one answers while more are forked
}

} // namespace sluice::fpm
