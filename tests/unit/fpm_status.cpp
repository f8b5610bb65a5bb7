#include <doctest/doctest.h>

#include <string>

#include "init/fpm/status.h"

using namespace sluice::fpm;
using namespace std::chrono_literals;

namespace {

// PHP-FPM 8.2, four workers, of which two are kept here: one has served a request and waits; one
// waits for 2.1 s on a keep-alive connection on which it served a ping.
const std::string keep_alive =
    R"({"pool":"www","process manager":"static","start time":1795421860,"start since":7,
"accepted conn":3,"listen queue":0,"max listen queue":0,"listen queue len":0,
"idle processes":3,"active processes":1,"total processes":4,"max active processes":2,
"max children reached":0,"slow requests":0, "processes":[
{"pid":27553,"state":"Idle","start time":1795421860,"start since":7,"requests":1,
"request duration":3000838,"request method":"GET",
"request uri":"\/tmp\/fz\/fpm\/slow.php?token=secret","content length":0,"user":"-",
"script":"\/tmp\/fz\/fpm\/slow.php","last request cpu":0.00,"last request memory":2097152},
{"pid":27554,"state":"Reading headers","start time":1795421860,"start since":7,"requests":2,
"request duration":2104290,"request method":"-","request uri":"-","content length":0,
"user":"-","script":"-","last request cpu":0.00,"last request memory":0}]})";

// One goes on for half a second after fastcgi_finish_request().
const std::string finish_request =
    R"({"pool":"www","process manager":"static","start time":1795421860,"start since":17,
"accepted conn":7,"listen queue":0,"max listen queue":0,"listen queue len":0,
"idle processes":3,"active processes":1,"total processes":4,"max active processes":2,
"max children reached":0,"slow requests":0, "processes":[
{"pid":27553,"state":"Finishing","start time":1795421860,"start since":17,"requests":2,
"request duration":501346,"request method":"GET",
"request uri":"\/tmp\/fz\/fpm\/fin.php?a=b","content length":0,"user":"-",
"script":"\/tmp\/fz\/fpm\/fin.php","last request cpu":0.00,"last request memory":0},
{"pid":27556,"state":"Idle","start time":1795421860,"start since":17,"requests":1,
"request duration":3509432,"request method":"POST","request uri":"\/tmp\/fz\/fpm\/slow.php",
"content length":100,"user":"-","script":"\/tmp\/fz\/fpm\/slow.php","last request cpu":0.00,
"last request memory":2097152}]})";

// PHP-FPM 8.4 has a figure more ("memory peak") than 8.2, and 7.4 the same as 8.2.
const std::string newest =
    R"({"pool":"www","process manager":"static","start time":1795425964,"start since":1,
"accepted conn":2,"listen queue":0,"max listen queue":0,"listen queue len":4096,
"idle processes":0,"active processes":2,"total processes":2,"max active processes":2,
"max children reached":0,"slow requests":0,"memory peak":0, "processes":[
{"pid":3212,"state":"Running","start time":1795425964,"start since":1,"requests":1,
"request duration":371,"request method":"GET","request uri":"\/status?json&full",
"content length":0,"user":"-","script":"-","last request cpu":0.00,"last request memory":0},
{"pid":3213,"state":"Running","start time":1795425964,"start since":1,"requests":1,
"request duration":317245,"request method":"GET","request uri":"-?ms=1000&token=secret",
"content length":0,"user":"-","script":"/tmp/t/app/work.php","last request cpu":0.00,
"last request memory":0}]})";

// `keep_alive` with something else in the place of `what`.
std::string changed(const std::string& what, const std::string& by) {
    auto text = keep_alive;
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

} // namespace

TEST_CASE("the status of PHP 8.4") {
    const auto status = parse_status(newest);
    REQUIRE(status);
    CHECK(status->active == 2);
    REQUIRE(status->workers.size() == 2);
    CHECK(status->workers[1].pid == 3213);
    CHECK(status->workers[1].state == State::running);
    CHECK(status->workers[1].duration == 317'245us);
    CHECK(status->workers[1].script == "/tmp/t/app/work.php");
}

TEST_CASE("a worker on a keep-alive connection reads headers, as long as it waits") {
    const auto status = parse_status(keep_alive);
    REQUIRE(status);
    CHECK(status->pool == "www");
    CHECK(status->process_manager == "static");
    CHECK(status->listen_queue == 0);
    CHECK(status->max_listen_queue == 0);
    CHECK(status->idle == 3);
    CHECK(status->active == 1);
    CHECK(status->total == 4);
    REQUIRE(status->workers.size() == 2);
    CHECK(status->workers[0] == Worker{.pid = 27553,
                                       .state = State::idle,
                                       .requests = 1,
                                       .duration = 3'000'838us,
                                       .script = "/tmp/fz/fpm/slow.php",
                                       .uri = "/tmp/fz/fpm/slow.php",
                                       .method = "GET"});
    CHECK(status->workers[1] == Worker{.pid = 27554,
                                       .state = State::reading_headers,
                                       .requests = 2,
                                       .duration = 2'104'290us});
}

TEST_CASE("a worker that goes on after fastcgi_finish_request is finishing") {
    const auto status = parse_status(finish_request);
    REQUIRE(status);
    REQUIRE(status->workers.size() == 2);
    CHECK(status->workers[0].state == State::finishing);
    CHECK(status->workers[0].duration == 501'346us);
    CHECK(status->workers[1].method == "POST");
}

TEST_CASE("every state has its word") {
    const auto state = [](const std::string& word) {
        return parse_status(changed("Reading headers", word))->workers[1].state;
    };
    CHECK(state("Creating") == State::creating);
    CHECK(state("Idle") == State::idle);
    CHECK(state("Getting request information") == State::getting_information);
    CHECK(state("Getting request informations") == State::getting_information);
    CHECK(state("Running") == State::running);
    CHECK(state("Ending") == State::ending);
    CHECK(state("Finishing") == State::finishing);
    CHECK(state("Dreaming") == State::unknown);
}

TEST_CASE("a number out of range does no harm") {
    const auto duration = [](const std::string& number) {
        return parse_status(changed("2104290", number))->workers[1].duration;
    };
    CHECK(duration("18446744073709551615") == 0us);
    CHECK(duration("-1") == 0us);
    CHECK(
        parse_status(changed("\"listen queue\":0", "\"listen queue\":3000000000"))->listen_queue ==
        0);
}

TEST_CASE("bytes that are no UTF-8 are taken as they are") {
    CHECK(parse_status(changed("slow.php?", "\xff\xfe?"))->workers[0].uri ==
          "/tmp/fz/fpm/\xff\xfe");
}

TEST_CASE("what is no status page is nothing") {
    for (const auto* const text :
         {"", "pong", "[]", "{}", "{\"pool\":\"www\"}", "File not found.\n"})
        CHECK_FALSE(parse_status(text));
    CHECK_FALSE(parse_status(keep_alive.substr(0, keep_alive.size() - 1)));
    CHECK_FALSE(parse_status(keep_alive + "x"));
    CHECK_FALSE(parse_status(changed("\"pool\"", "\"pond\"")));
    CHECK_FALSE(parse_status(changed("\"www\"", "7")));
    CHECK_FALSE(parse_status(changed("\"idle processes\":3", "\"idle processes\":3.5")));
    CHECK_FALSE(parse_status(changed("\"pid\":27553", "\"pid\":0")));
    CHECK_FALSE(parse_status(changed("\"pid\":27553", "\"pid\":-1")));
    CHECK_FALSE(parse_status(changed("\"pid\":27553", "\"pid\":27553000000")));
    CHECK_FALSE(parse_status(changed("\"state\":\"Idle\"", "\"state\":null")));
    CHECK_FALSE(parse_status(changed("{\"pid\"", "0,{\"pid\"")));
    CHECK_FALSE(parse_status(std::string(100'000, '[')));
}
