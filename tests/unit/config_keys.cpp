#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "config/environment.h"
#include "config/hint.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/reference.h"

using namespace sluice::config;

namespace {

// With one entry in each array of tables, which the keys of entries are about.
Settings with_entries() {
    Settings settings;
    for (const auto& section : sections())
        if (section.is_array()) section.add_entry(settings);
    return settings;
}

} // namespace

TEST_CASE("every key has a section, a name of its own, help, a default and what is allowed") {
    std::set<std::string_view> names;
    std::set<std::string> variables;
    for (const auto& key : keys()) {
        CAPTURE(key.name);
        CHECK(names.insert(key.name).second);
        CHECK(variables.insert(environment_name(key.name)).second);
        REQUIRE(find_section(section_of(key)) != nullptr);
        CHECK(key.name == std::string(section_of(key)) + "." + std::string(name_in_section(key)));
        CHECK(!key.help.empty());
        CHECK(key.help.ends_with('.'));
        CHECK(key.help.find('\n') == std::string_view::npos);
        CHECK(key.help.find('|') == std::string_view::npos); // would end a cell of the page's table
        CHECK(!default_in_words(key).empty());
        CHECK(!allowed(key).empty());
        CHECK(allowed(key).find('|') == std::string::npos);
        CHECK(!refusal(key).empty());
        CHECK(key.choices.empty() == (key.type != Type::choice));
        CHECK(key.example.empty() == (key.type != Type::string_list));
        CHECK((key.range.last > key.range.first) == (key.type == Type::number));
        if (key.required) CHECK(find_section(section_of(key))->is_array());
        CHECK(static_cast<bool>(key.print));
        CHECK(!key.parse == (key.type == Type::signal_rules));
    }
    for (const auto& section : sections()) {
        CHECK(std::ranges::any_of(keys(),
                                  [&](const Key& key) { return section_of(key) == section.name; }));
        CHECK(section.help.empty() != section.is_array());
        CHECK((section.entries != nullptr) == section.is_array());
        CHECK(find_key(section.name) == nullptr);
    }
}

TEST_CASE("no key's variable is one that Kubernetes or Docker inject") {
    for (const auto& key : keys()) {
        CAPTURE(key.name);
        CHECK_FALSE(is_injected(environment_name(key.name)));
    }
    // Nor would a rule for any signal be, nor a key of these names in a section to come.
    CHECK_FALSE(is_injected("SLUICE_CONFIG"));
    CHECK_FALSE(is_injected("SLUICE_FAULT"));
}

TEST_CASE("the default in the table is the default in the settings") {
    for (const auto& key : keys()) {
        if (!key.usual.is_value) continue;
        CAPTURE(key.name);
        CHECK(same_for_all_kinds(key.usual));
        auto settings = with_entries();
        const auto before = key.print(settings, 0);
        REQUIRE(before);
        CHECK(key.parse(key.usual.php_fpm, settings));
        CHECK(key.print(settings, 0) == before);
    }
}

TEST_CASE("what is required or not written has nothing to print") {
    const auto settings = with_entries();
    for (const auto& key : keys()) {
        CAPTURE(key.name);
        CHECK(key.print(settings, 0).has_value() == key.usual.is_value);
    }
}

TEST_CASE("both ends of a range belong to it, and nothing beyond") {
    for (const auto& key : keys()) {
        if (key.type != Type::number) continue;
        CAPTURE(key.name);
        auto settings = with_entries();
        for (const int number : {key.range.first, key.range.last}) {
            CHECK(key.parse(std::to_string(number), settings));
            CHECK(key.print(settings, 0) == std::to_string(number));
        }
        CHECK_FALSE(key.parse(std::to_string(key.range.first - 1), settings));
        CHECK_FALSE(key.parse(std::to_string(key.range.last + 1), settings));
    }
}

TEST_CASE("every choice is read and written as itself") {
    for (const auto& key : keys()) {
        for (const auto choice : key.choices) {
            CAPTURE(choice);
            Settings settings;
            CHECK(key.parse(choice, settings));
            CHECK(key.print(settings, 0) == '"' + std::string(choice) + '"');
            CHECK(allowed(key).find('"' + std::string(choice) + '"') != std::string::npos);
        }
        if (key.type == Type::choice) {
            Settings settings;
            CHECK_FALSE(key.parse("", settings));
            CHECK_FALSE(key.parse("nonsense", settings));
        }
    }
}

TEST_CASE("the choices are the enumerators of the same name") {
    Settings settings;
    REQUIRE(find_key("service.kind")->parse("php-fpm", settings));
    CHECK(settings.service.kind == Kind::php_fpm);
    REQUIRE(find_key("service.kind")->parse("nginx", settings));
    CHECK(settings.service.kind == Kind::nginx);
    REQUIRE(find_key("service.kind")->parse("plain", settings));
    CHECK(settings.service.kind == Kind::plain);
    REQUIRE(find_key("service.restart")->parse("no", settings));
    CHECK(settings.service.restart == Restart::no);
    REQUIRE(find_key("service.restart")->parse("on-failure", settings));
    CHECK(settings.service.restart == Restart::on_failure);
    REQUIRE(find_key("service.restart")->parse("always", settings));
    CHECK(settings.service.restart == Restart::always);
    REQUIRE(find_key("reload.strategy")->parse("shared", settings));
    CHECK(settings.reload.strategy == Strategy::shared);
    REQUIRE(find_key("reload.strategy")->parse("signal", settings));
    CHECK(settings.reload.strategy == Strategy::signal);
    REQUIRE(find_key("reload.strategy")->parse("switch", settings));
    CHECK(settings.reload.strategy == Strategy::switch_over);
    REQUIRE(find_key("reload.low_memory")->parse("proceed", settings));
    CHECK(settings.reload.low_memory == LowMemory::proceed);
    REQUIRE(find_key("reload.low_memory")->parse("signal", settings));
    CHECK(settings.reload.low_memory == LowMemory::signal);
    REQUIRE(find_key("reload.low_memory")->parse("refuse", settings));
    CHECK(settings.reload.low_memory == LowMemory::refuse);
    REQUIRE(find_key("log.level")->parse("debug", settings));
    CHECK(settings.log.level == LogLevel::debug);
    REQUIRE(find_key("log.level")->parse("info", settings));
    CHECK(settings.log.level == LogLevel::info);
    REQUIRE(find_key("log.level")->parse("warning", settings));
    CHECK(settings.log.level == LogLevel::warning);
    REQUIRE(find_key("log.level")->parse("error", settings));
    CHECK(settings.log.level == LogLevel::error);
    REQUIRE(find_key("log.format")->parse("json", settings));
    CHECK(settings.log.format == LogFormat::json);
    REQUIRE(find_key("log.format")->parse("text", settings));
    CHECK(settings.log.format == LogFormat::text);
}

TEST_CASE("keys are found by their full name only") {
    CHECK(find_key("drain.deadline") != nullptr);
    CHECK(find_key("deadline") == nullptr);
    CHECK(find_key("signals.NAME") == nullptr);
    CHECK(find_key("") == nullptr);
    CHECK(environment_name("service.restart_backoff") == "SLUICE_SERVICE_RESTART_BACKOFF");
}

TEST_CASE("a hint is given for what is near, and only for that") {
    constexpr std::array<std::string_view, 3> words{"deadline", "kill_after", "no"};
    CHECK(nearest("dedline", words) == "deadline");
    CHECK(nearest("DEADLINE", words) == "deadline");
    CHECK(nearest("daedline", words) == "deadline");
    CHECK(nearest("kil_aftr", words) == "kill_after");
    CHECK_FALSE(nearest("color", words));
    CHECK_FALSE(nearest("", words));
    CHECK_FALSE(nearest("on", words));
    CHECK_FALSE(nearest(std::string(100'000, 'd'), words));
}

TEST_CASE("docs/configuration.md is what the table of keys says") {
    std::ifstream file(SLUICE_SOURCE_DIR "/docs/configuration.md");
    const std::string written{std::istreambuf_iterator<char>(file), {}};
    CHECK_MESSAGE(written == reference_page(),
                  "docs/configuration.md is not up to date; write it again: "
                  "build/dev/tests/print_reference > docs/configuration.md");
}

TEST_CASE("the reference page names every key and variable, and its example is valid") {
    const auto page = reference_page();
    for (const auto& key : keys()) {
        CHECK(page.find("| `" + std::string(name_in_section(key)) + "` |") != std::string::npos);
        if (can_come_from_environment(key))
            CHECK(page.find('`' + environment_name(key.name) + '`') != std::string::npos);
    }
    const std::string fence = "```toml\n";
    const auto begin = page.find(fence) + fence.size();
    const auto loaded = load(File{"x", page.substr(begin, page.find("```", begin) - begin)}, {});
    CHECK(loaded.problems.empty());
}
