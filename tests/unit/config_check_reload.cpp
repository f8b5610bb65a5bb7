#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "config/load.h"

using namespace sluice::config;

namespace {

// One line for each problem, without a newline after the last.
std::string problems(const std::string& text, const std::vector<std::string>& environment = {}) {
    std::string lines;
    for (const auto& problem : load(File{"c", text}, environment).problems) {
        if (!lines.empty()) lines += "\n";
        lines += (problem.warning ? "warning: " : "error: ") + to_text(problem);
    }
    return lines;
}

const std::string everything = R"([reload]
release = "/srv/app/current"
ready = "20s"
retire = "2m"
splay = "5s"
watch = ["/srv/app/current"]
slots_dir = "/run/slots"
slots = 3
low_memory = "proceed"
[[reload.check]]
command = ["true"]
[[reload.warmup]]
script = "a.php"
)";

} // namespace

TEST_CASE("keys of a reload that the service does by itself are a warning") {
    CHECK(problems(everything, {"SLUICE_SERVICE_KIND=nginx"}) ==
          "warning: environment: SLUICE_SERVICE_KIND: with \"nginx\" the service reloads by itself "
          "on its own signal (HUP), so these have no effect: [[reload.check]], [[reload.warmup]], "
          "reload.release, reload.ready, reload.retire, reload.splay, reload.watch, "
          "reload.slots_dir, reload.slots, reload.low_memory; remove them");
    CHECK(problems("[service]\nkind = \"plain\"\n[reload]\nstrategy = \"switch\"\n") ==
          "warning: c:2:8: service.kind: with \"plain\" the service reloads by itself, on whatever "
          "signal it knows, so these have no effect: reload.strategy; remove them");
    CHECK(problems("[service]\nkind = \"nginx\"\n[reload]\nstrategy = \"signal\"\n").empty());
    CHECK(problems("[service]\nkind = \"plain\"\n[reload]\nstrategy = \"signal\"\nready = \"1s\"\n")
              .ends_with("have no effect: reload.ready; remove them"));
    CHECK(problems("[service]\nkind = \"nginx\"\n[reload]\n[control]\nsocket = \"off\"\n").empty());
    CHECK(problems(everything, {"SLUICE_SERVICE_KIND=php-fpm"}).empty());
    CHECK(problems(everything).empty());
}

TEST_CASE("with strategy signal there is nothing to prove, pin or retire") {
    CHECK(problems(everything, {"SLUICE_RELOAD_STRATEGY=signal"}) ==
          "warning: environment: SLUICE_RELOAD_STRATEGY: \"signal\" leaves the reload to the "
          "service and starts no second generation, so these have no effect: [[reload.warmup]], "
          "reload.release, reload.ready, reload.retire, reload.low_memory; remove them, or write "
          "\"switch\"");
    CHECK(problems("[reload]\nstrategy = \"signal\"\nsplay = \"1s\"\nwatch = [\"/a\"]\n"
                   "slots_dir = \"/s\"\nslots = 2\n[[reload.check]]\ncommand = [\"true\"]\n")
              .empty());
    CHECK(problems(everything, {"SLUICE_RELOAD_STRATEGY=shared"}).empty());
}

TEST_CASE("slots without a folder that holds them are a warning") {
    CHECK(problems("", {"SLUICE_RELOAD_SLOTS=2"}) ==
          "warning: environment: SLUICE_RELOAD_SLOTS: has no effect without reload.slots_dir; "
          "write the folder that the containers share, or remove the key");
    CHECK(problems("[reload]\nslots_dir = \"/s\"\n", {"SLUICE_RELOAD_SLOTS=2"}).empty());
    CHECK(problems("[reload]\nslots_dir = \"/s\"\n").empty());
}

TEST_CASE("more requests at a time than there are is an error") {
    const std::string entry = "[[reload.warmup]]\nscript = \"a\"\n";
    CHECK(problems(entry + entry + "concurrency = 2\n") ==
          "error: c:5:15: reload.warmup[2].concurrency: 2 at a time is more than there are: count "
          "is 1; write a higher count or a lower concurrency");
    CHECK(problems(entry + "concurrency = 8\ncount = 7\n").find("count is 7") != std::string::npos);
    CHECK(problems(entry + "concurrency = 8\ncount = 8\n").empty());
    // Whatever else the section is good for.
    CHECK(problems("service.kind = \"nginx\"\n" + entry + "concurrency = 2\n")
              .find("error: c:4:15: reload.warmup[1].concurrency") != std::string::npos);
}

TEST_CASE("a text in an answer that has no body is an error") {
    const std::string entry = "[[reload.warmup]]\nscript = \"a\"\nmethod = \"HEAD\"\n";
    CHECK(problems(entry + "text = \"ok\"\n") ==
          "error: c:4:8: reload.warmup[1].text: an answer to HEAD has no body, so it never holds a "
          "text; remove the key, or write method = \"GET\"");
    CHECK(problems(entry + "text = \"\"\n").empty());
    CHECK(problems(entry).empty());
}
