#include <doctest/doctest.h>

#include <algorithm>

#include "init/control/report_json.h"
#include "init/control/report_text.h"

namespace sluice::control {

using namespace std::chrono_literals;
using core::Report;

namespace {

Report full_report() {
    return {
        .version = "0.1.0",
        .service = "php-fpm8.2",
        .kind = "php-fpm",
        .state = "reloading",
        .uptime = 27h + 12min,
        .generations = {{.number = 3,
                         .role = Report::Generation::Role::live,
                         .pid = 77,
                         .age = 1h + 2min,
                         .release = "/srv/app/releases/41",
                         .workers = 8,
                         .busy = 2,
                         .in_flight = 2,
                         .requests = {"GET /slow.php, 1.2 s", "POST /a, 34 ms"},
                         .queued = 1},
                        {.number = 4,
                         .role = Report::Generation::Role::next,
                         .pid = 99,
                         .age = 340ms,
                         .release = "/srv/app/releases/42"}},
        .pools = {{.name = "www",
                   .listen = "127.0.0.1:9000",
                   .idle = 6,
                   .busy = 2,
                   .queue = 1,
                   .max_children = 8},
                  {.name = "admin", .listen = "/run/admin.sock"}},
        .last_reload = Report::Reload{.outcome = Report::Reload::Outcome::rolled_back,
                                      .asked_by = "HUP from pid 1",
                                      .ago = 3min,
                                      .took = 10s + 100ms,
                                      .step = "proving",
                                      .reason = "the new generation did not answer within 10 s",
                                      .steps = {{"check", 34ms}, {"ready", 10s}},
                                      .stderr_lines = {"PHP Fatal error: ..."}},
        .reload_waits = true,
        .notices = {"kill_after is short"},
    };
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Every text that a report has.
std::vector<std::string*> texts_of(Report& report) {
    std::vector<std::string*> all{&report.version, &report.service, &report.kind, &report.state,
                                  &report.notices[0]};
    for (auto& generation : report.generations) {
        all.push_back(&generation.release);
        for (auto& request : generation.requests) all.push_back(&request);
    }
    for (auto& pool : report.pools) all.insert(all.end(), {&pool.name, &pool.listen});
    auto& reload = *report.last_reload;
    all.insert(all.end(), {&reload.asked_by, &reload.reason, &reload.stderr_lines[0]});
    for (auto& step : reload.steps) all.push_back(&step.name);
    return all;
}

} // namespace

TEST_CASE("a report comes back from JSON as it was") {
    for (const auto& report : {full_report(), Report{}, Report{.last_reload = Report::Reload{}}}) {
        const auto json = encode_report(report);
        CAPTURE(json);
        CHECK(parse_report(json) == report);
    }
    for (const auto outcome :
         {Report::Reload::Outcome::running, Report::Reload::Outcome::done,
          Report::Reload::Outcome::rolled_back, Report::Reload::Outcome::refused}) {
        const Report report{.last_reload = Report::Reload{.outcome = outcome}};
        CHECK(parse_report(encode_report(report)) == report);
    }
}

TEST_CASE("durations are milliseconds, and what is not known is null") {
    const auto json = encode_report(full_report());
    CHECK(contains(json, R"("uptime_ms":97920000)"));
    CHECK(
        contains(json, R"("pid":99,"age_ms":340,"release":"/srv/app/releases/42","workers":null)"));
    CHECK(contains(json, R"("outcome":"rolled back","asked_by":"HUP from pid 1")"));
    CHECK(contains(encode_report({}), R"("last_reload":null)"));
}

TEST_CASE("a report with a member missing or of another type is none") {
    const auto json = encode_report(full_report());
    CHECK_FALSE(parse_report("{}"));
    CHECK_FALSE(parse_report("[]"));
    CHECK_FALSE(parse_report(""));
    CHECK_FALSE(parse_report(json.substr(0, json.size() - 1)));
    const auto with = [&](const std::string& from, const std::string& to) {
        auto changed = json;
        const auto at = changed.find(from);
        REQUIRE(at != std::string::npos);
        return changed.replace(at, from.size(), to);
    };
    CHECK(parse_report(with("\"pid\":77", "\"pid\":78")));
    CHECK_FALSE(parse_report(with("\"pid\":77", "\"pid\":\"77\"")));
    CHECK_FALSE(parse_report(with("\"pid\":77", "\"pid\":-77")));
    CHECK_FALSE(parse_report(with("\"pid\":77", "\"pid\":7700000000")));
    CHECK_FALSE(parse_report(with("\"pid\":77,", "")));
    CHECK_FALSE(parse_report(with("\"live\"", "\"dead\"")));
    CHECK_FALSE(parse_report(with("\"rolled back\"", "\"\"")));
    CHECK_FALSE(parse_report(with("\"workers\":8", "\"workers\":true")));
    CHECK_FALSE(parse_report(with("\"POST /a, 34 ms\"", "5")));
    CHECK_FALSE(parse_report(with("\"steps\":[", "\"steps\":[[],")));
    CHECK_FALSE(parse_report(with("\"took_ms\":34", "\"took_ms\":1e3")));
    CHECK_FALSE(parse_report(with("\"uptime_ms\":97920000", "\"uptime_ms\":-1")));
    CHECK_FALSE(parse_report(with("\"reload_waits\":true", "\"reload_waits\":null")));
}

TEST_CASE("the text for people") {
    CHECK(report_text(full_report()) ==
          R"(php-fpm8.2 (php-fpm): reloading; sluice 0.1.0, started 1 d 3 h ago
generation 3, live: pid 77, started 1 h 2 min ago, release /srv/app/releases/41
    workers: 8, 2 busy
    waiting to be accepted: 1
    in flight: 2
        GET /slow.php, 1.2 s
        POST /a, 34 ms
generation 4, next: pid 99, started 340 ms ago, release /srv/app/releases/42
pool www on 127.0.0.1:9000: 6 idle, 2 busy of at most 8; queue 1
pool admin on /run/admin.sock: ? idle, ? busy of at most ?; queue ?
last reload ROLLED BACK after 10.1 s, asked for 3 min 0 s ago by HUP from pid 1
    the new generation did not answer within 10 s
    check: 34 ms
    ready: 10 s
    the failed generation's last lines:
    | PHP Fatal error: ...
another reload waits until this one has ended
notice: kill_after is short
)");
    CHECK(
        report_text({.version = "0.1.0", .service = "cron", .kind = "plain", .state = "running"}) ==
        "cron (plain): running; sluice 0.1.0, started 0 ms ago\n");
}

TEST_CASE("no text of a report reaches a terminal as a control character, nor breaks the JSON") {
    const std::string evil = "a\x1b[2J\n\r\b\x7F\xC2\x9B"
                             "31m\xE2\x80\xAE\xFF\"\\z";
    auto report = full_report();
    const auto texts = texts_of(report);
    for (auto* const text : texts) *text = evil;
    const auto json = encode_report(report);
    const auto back = parse_report(json);
    REQUIRE(back);
    for (const auto& text : {report_text(report), report_text(*back), json}) {
        CHECK(std::ranges::none_of(text, [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return (byte < 0x20 && c != '\n') || byte == 0x7F;
        }));
        CHECK_FALSE(contains(text, "\xC2\x9B"));
        CHECK_FALSE(contains(text, "\xE2\x80\xAE"));
    }
    CHECK_FALSE(contains(json, "\n"));
    // As many lines as before: no text makes one of its own.
    CHECK(std::ranges::count(report_text(*back), '\n') ==
          std::ranges::count(report_text(full_report()), '\n'));
}

TEST_CASE("a report is bounded whatever is in flight") {
    Report report{.generations = {{}, {}}};
    for (auto& generation : report.generations) {
        generation.requests.assign(10'000, std::string(100'000, '\x01'));
    }
    const auto json = encode_report(report);
    CHECK(json.size() < 2'000'000);
    const auto back = parse_report(json);
    REQUIRE(back);
    CHECK(back->generations[1].requests.size() == most_entries);
    CHECK(back->generations[1].requests[99] == std::string(longest_text, '\x01'));
}

} // namespace sluice::control
