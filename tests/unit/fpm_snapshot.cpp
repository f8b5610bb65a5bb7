#include "init/fpm/snapshot.h"

#include <doctest/doctest.h>

#include <map>

namespace sluice::fpm {

namespace {

struct Disk {
    std::map<std::string, std::string> files;
    std::map<std::string, std::vector<std::string>> matches = {}; // more than the files' own names

    Files as_files(const std::string& prefix = "/prefix") const {
        return {
            .read = [this](const std::string& path) -> std::optional<std::string> {
                const auto found = files.find(path);
                if (found == files.end()) return {};
                return found->second;
            },
            .match = [this](const std::string& pattern) -> std::optional<std::vector<std::string>> {
                if (pattern.starts_with("/locked/")) return {};
                if (const auto found = matches.find(pattern); found != matches.end()) {
                    return found->second;
                }
                if (files.contains(pattern)) return {{pattern}};
                return {{}};
            },
            .prefix = prefix};
    }
};

Snapshot snapshot_of(const Disk& disk) {
    auto taken = take_snapshot("/f", disk.as_files());
    if (const auto* const why = std::get_if<std::string>(&taken)) FAIL(*why);
    return std::get<Snapshot>(taken);
}

std::string why_not(const Disk& disk) {
    auto taken = take_snapshot("/f", disk.as_files());
    const auto* const why = std::get_if<std::string>(&taken);
    return why == nullptr ? "" : *why;
}

// The one file that a line includes; empty: it includes none; "?": it is not certain.
std::string included_by(const std::string& line) {
    std::string asked;
    const Files files{.read = [&](const std::string&) { return line; },
                      .match =
                          [&](const std::string& pattern) {
                              asked = pattern;
                              return std::vector<std::string>{};
                          },
                      .prefix = "/prefix"};
    const auto taken = take_snapshot("/f", files);
    return std::holds_alternative<std::string>(taken) ? "?" : asked;
}

} // namespace

TEST_CASE("a configuration without an include is its own snapshot") {
    const std::string text = "[global]\r\n; a comment\n\n[www]\nenv[A] = \"$B;c\" ; d\nlisten = 1";
    const auto snapshot = snapshot_of({{{"/f", text}}});
    CHECK(snapshot.text == text + "\n");
    CHECK_FALSE(snapshot.relative);
    CHECK(snapshot_of({{{"/f", ""}}}).text.empty());
}

TEST_CASE("the files that an include matches stand in its place, in glob's order") {
    const Disk disk{{{"/f", "[global]\ninclude=/d/*.conf\n[www]\nlisten = 1\n"},
                     {"/d/a.conf", "[a]\nlisten = 2"},
                     {"/d/b.conf", "[b]\nlisten = 3\n"}},
                    {{"/d/*.conf", {"/d/a.conf", "/d/folder.conf/", "/d/b.conf"}}}};
    CHECK(snapshot_of(disk) == Snapshot{.text = "[global]\n[a]\nlisten = 2\n[b]\nlisten = 3\n"
                                                "[www]\nlisten = 1\n"});
}

TEST_CASE("an include of an include, in a pool's section, without a last newline") {
    const Disk disk{{{"/f", "[www]\nuser = a\ninclude=/g\npm = static"},
                     {"/g", "listen = 1\ninclude=/h"},
                     {"/h", "group = b"}}};
    CHECK(snapshot_of(disk).text == "[www]\nuser = a\nlisten = 1\ngroup = b\npm = static\n");
}

TEST_CASE("a relative include hangs on FPM's prefix") {
    const Disk disk{{{"/f", "include=etc/a.conf\n"}, {"/prefix/etc/a.conf", "[a]\n"}}};
    CHECK(snapshot_of(disk) == Snapshot{.text = "[a]\n", .relative = true});
}

TEST_CASE("an include that nothing matches is named") {
    const auto snapshot = snapshot_of({{{"/f", "include=/no/*.conf\n[www]\n"}}});
    CHECK(snapshot == Snapshot{.text = "[www]\n", .unmatched = {"/no/*.conf"}});
}

TEST_CASE("what FPM understands as an include") {
    const std::vector<std::pair<std::string, std::string>> lines{
        {"include=/a", "/a"},
        {" \t include \t=\t /a/b.conf \t", "/a/b.conf"},
        {"include=/a\r", "/a"},
        {"include = /a ; why", "/a"},
        {"include=/a;b", "/a"},
        {"include=\"/a\"", "/a"},
        {"include = \"/a b.conf\" ; why", "/a b.conf"},
        {"include='/a'", "/a"},
        {"include=/a/[0-9]?*.conf", "/a/[0-9]?*.conf"},
        {"include=a.conf", "/prefix/a.conf"},
        {"include=8.2/a", "/prefix/8.2/a"},
    };
    for (const auto& [line, file] : lines) {
        CAPTURE(line);
        CHECK(included_by(line) == file);
    }
}

TEST_CASE("what only looks like an include") {
    for (const auto* const line :
         {"; include=/a", "  ;include=/a", "php_admin_value[include_path] = \"/a:/b\"",
          "env[A] = include", "chdir = /srv/include", "Include=/a", "includes=/a"}) {
        CAPTURE(line);
        CHECK(included_by(line).empty());
    }
}

TEST_CASE("what may be an include and is not certain: there is no snapshot") {
    for (const auto& line : std::vector<std::string>{"include=${A}",
                                                     "include=/a/$B",
                                                     "include=\"/a${B}\"",
                                                     "include=/a'b'",
                                                     "include=A",
                                                     "include=yes",
                                                     "include=8.2",
                                                     "include=",
                                                     "include",
                                                     "include=\"\"",
                                                     "include=\"/a",
                                                     "include=/a b",
                                                     "include=\"/a\" b",
                                                     "include=/a\\b",
                                                     "include=\"/a\\b\"",
                                                     "include=/a^b",
                                                     "include=/a|b",
                                                     "include=~/a",
                                                     "include=/a=b",
                                                     "include=/{a,b}",
                                                     "[www]include=/a",
                                                     "[a=b]include=/a",
                                                     "[include]",
                                                     "\xef\xbb\xbfinclude=/a",
                                                     "pm = static\rinclude=/a",
                                                     "; a\rinclude=/a",
                                                     "\"include\"=/a",
                                                     std::string("include=/a\0b", 12),
                                                     std::string("a\0=b include", 12)}) {
        CAPTURE(line);
        CHECK(included_by(line) == "?");
    }
}

TEST_CASE("a snapshot that cannot be had says why") {
    CHECK(why_not({}) == "/f cannot be read");
    CHECK(why_not({{{"/f", "\ninclude=$A\n"}}}) ==
          "what line 2 of /f includes is clear to FPM alone");
    CHECK(why_not({{{"/f", "include=/locked/*\n"}}}) == "it cannot be told what /locked/* matches");
    CHECK(why_not({{{"/f", "include=/g\n"}}, {{"/g", {"/g"}}}}) == "/g cannot be read");
    CHECK(why_not({{{"/f", "include=/f\n"}}}) == "/f is included too deep");
    CHECK(why_not({{{"/f", std::string(most_snapshot, ';')}}}) == "it is larger than 1024 KiB");
    CHECK(why_not({{{"/f", "include=/g\n"}, {"/g", ""}},
                   {{"/g", std::vector<std::string>(most_files, "/g")}}}) ==
          "it is more than 1000 files");
}

TEST_CASE("five levels are FPM's limit") {
    Disk disk{{{"/f", "include=/2\n"},
               {"/2", "include=/3\n"},
               {"/3", "include=/4\n"},
               {"/4", "include=/5\n"},
               {"/5", "pm = static\n"}}};
    CHECK(snapshot_of(disk).text == "pm = static\n");
    disk.files["/5"] = "include=/6\n";
    disk.files["/6"] = "pm = static\n";
    CHECK(why_not(disk) == "/6 is included too deep");
}

TEST_CASE("FPM tells its prefix by a warning") {
    CHECK(prefix_question() == "include=sluice-asks-for-the-prefix/it\n");
    CHECK(prefix_in("[23-Nov-2026 18:13:06] WARNING: Nothing matches the include pattern "
                    "'/usr/local/sluice-asks-for-the-prefix/it' from /proc/self/fd/20 at line 1.\n"
                    "[23-Nov-2026 18:13:06] NOTICE: [global]\n") == "/usr/local");
    CHECK(prefix_in("Nothing matches the include pattern '/a/*.conf' from /b\n"
                    "Nothing matches the include pattern '../c/sluice-asks-for-the-prefix/it'") ==
          "../c");
    CHECK_FALSE(prefix_in(""));
    CHECK_FALSE(prefix_in("/usr/sluice-asks-for-the-prefix/it"));
}

TEST_CASE("the likely prefix is -p, else where the program's sbin is") {
    CHECK(likely_prefix({"-R"}, "/usr/local/sbin/php-fpm") == "/usr/local");
    CHECK(likely_prefix({"-p", "/srv/x"}, "/usr/sbin/php-fpm8.2") == "/srv/x");
    CHECK(likely_prefix({"-p"}, "/sbin/php-fpm").empty());
}

} // namespace sluice::fpm
