#include <doctest/doctest.h>

#include "init/control/address.h"
#include "init/control/find.h"

namespace sluice::control {

using namespace std::string_literals;

namespace {

using Lines = std::vector<std::string>;

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

constexpr ino_t here = 4'026'531'836;

const std::string proc_net_unix =
    "Num       RefCount Protocol Flags    Type St Inode Path\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 25371 /run/sluice.sock\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 25372 @sluice-4026531836-77\n"
    "0000000000000000: 00000003 00000000 00000000 0001 03 25373 @sluice-4026531836-77\n"
    "0000000000000000: 00000003 00000000 00000000 0001 03 25374\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 25375 @sluice-4026532000\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 25376 @sluice-40265318361\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 25377 @sluice-4026531836-x\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 25377 @sluice-4026531836-\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01\n";

} // namespace

TEST_CASE("what was asked for outright comes first") {
    CHECK(asked_for("/a", {"SLUICE_CONTROL_SOCKET=/b"}) == "/a");
    CHECK(asked_for({}, {"X=1", "SLUICE_CONTROL_SOCKET=/b"}) == "/b");
    CHECK(asked_for("", {"SLUICE_CONTROL_SOCKET=/b"}) == "/b");
    CHECK_FALSE(asked_for({}, {"SLUICE_CONTROL_SOCKET="}));
    CHECK_FALSE(asked_for({}, {}));
}

TEST_CASE("PID 1 is sluice by its program's name") {
    CHECK(arguments_in("/usr/bin/sluice\0-c\0\0/x y\0"s) ==
          Lines{"/usr/bin/sluice", "-c", "", "/x y"});
    CHECK(arguments_in("cut") == Lines{"cut"});
    CHECK(arguments_in("").empty());
    CHECK(is_sluice({"/usr/local/bin/sluice", "php-fpm"}, "x"));
    CHECK(is_sluice({"sluice"}, ""));
    CHECK(is_sluice({"/sbin/init", "php-fpm"}, "/usr/bin/init"));
    CHECK_FALSE(is_sluice({"/sbin/init", "sluice"}, "sluice"));
    CHECK_FALSE(is_sluice({""}, ""));
    CHECK_FALSE(is_sluice({}, "sluice"));
}

TEST_CASE("the listening abstract names of one PID namespace") {
    CHECK(abstract_names(proc_net_unix, here) == Lines{"@sluice-4026531836-77"});
    CHECK(abstract_names(proc_net_unix, 4'026'532'000) == Lines{"@sluice-4026532000"});
    CHECK(abstract_names("", here).empty());
    CHECK(abstract_names("\n\n  \nx 1 2 00010000\n", here).empty());
    const auto with_first =
        proc_net_unix + "1: 2 0 00010000 0001 01 9 " + abstract_name(here, 1) + "\n";
    CHECK(abstract_names(with_first, here) == Lines{"@sluice-4026531836", "@sluice-4026531836-77"});
}

TEST_CASE("nothing configured: the usual path, then the abstract name") {
    CHECK(places({}, here, {}).addresses == Lines{"/run/sluice.sock", "@sluice-4026531836"});
    CHECK(places({}, here, {"@sluice-4026531836-77"}).addresses ==
          Lines{"/run/sluice.sock", "@sluice-4026531836-77"});
    const auto without_proc = places({}, {}, {});
    CHECK(without_proc.addresses == Lines{"/run/sluice.sock"});
    CHECK(without_proc.problem.empty());
}

TEST_CASE("of several with abstract names PID 1 is meant, else one has to choose") {
    const auto first = places("@", here, {"@sluice-4026531836", "@sluice-4026531836-77"});
    CHECK(first.addresses == Lines{"@sluice-4026531836"});
    CHECK(first.problem.empty());
    const auto none = places("@", here, {"@sluice-4026531836-77", "@sluice-4026531836-78"});
    CHECK(none.addresses.empty());
    CHECK(contains(none.problem, "--socket: @sluice-4026531836-77, @sluice-4026531836-78"));
    const auto usual = places({}, here, {"@sluice-4026531836-77", "@sluice-4026531836-78"});
    CHECK(usual.addresses == Lines{"/run/sluice.sock"});
    CHECK(contains(usual.problem, "several"));
    CHECK(contains(places("@", {}, {}).problem, "/proc"));
}

TEST_CASE("a path and a name are taken as they are, and nonsense is said") {
    CHECK(places("/x.sock", here, {}).addresses == Lines{"/x.sock"});
    CHECK(places("@other", here, {}).addresses == Lines{"@other"});
    CHECK(contains(places("off", here, {}).problem, "no control socket"));
    for (const auto& wrong : {"relative"s, "/a\0b"s, "/" + std::string(107, 'x'), "ofF"s}) {
        const auto found = places(wrong, here, {});
        CHECK(found.addresses.empty());
        CHECK(contains(found.problem, "absolute path"));
    }
}

TEST_CASE("addresses as the kernel takes them") {
    const auto path = unix_address("/a");
    REQUIRE(path);
    CHECK(path->size == offsetof(sockaddr_un, sun_path) + 3);
    CHECK(std::string(&path->storage.sun_path[0], 3) == "/a\0"s);
    const auto abstract = unix_address("@a");
    REQUIRE(abstract);
    CHECK(abstract->size == offsetof(sockaddr_un, sun_path) + 2);
    CHECK(std::string(&abstract->storage.sun_path[0], 2) == "\0a"s);
    CHECK(unix_address("/" + std::string(106, 'x')));
    CHECK_FALSE(unix_address("/" + std::string(107, 'x')));
    for (const auto* const wrong : {"", "@", "a", "/"}) CHECK_FALSE(unix_address(wrong));
    CHECK(abstract_name(here, 1) == "@sluice-4026531836");
    CHECK(abstract_name(here, 77) == "@sluice-4026531836-77");
    CHECK(pid_namespace());
}

} // namespace sluice::control
