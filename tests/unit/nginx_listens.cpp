#include <doctest/doctest.h>

#include "init/nginx/listens.h"
#include "init/nginx/syntax.h"

namespace sluice::nginx {

namespace {

std::string file(const std::string& name, const std::string& text) {
    return "# configuration file " + name + ":\n" + text + "\n";
}

std::optional<Configuration> read_main(const std::string& text,
                                       const std::string& directives = {}) {
    return read_configuration(file("/etc/nginx/nginx.conf", text), directives);
}

std::vector<std::string> addresses(const std::optional<Configuration>& configuration) {
    REQUIRE(configuration);
    std::vector<std::string> found;
    for (const auto& listen : configuration->listens) found.push_back(listen.address);
    return found;
}

using Words = std::vector<std::string>;

} // namespace

TEST_CASE("words, quotes, escapes and comments are nginx's") {
    const auto all = parse("a 'b c' \"d\\\"e\" f\\ g#h # i { ; }\n; j${k}l\\t { m; } n \"}\";");
    REQUIRE(all);
    REQUIRE(all->size() == 3);
    CHECK(all->at(0).words == Words{"a", "b c", "d\"e", "f\\ g#h"});
    CHECK(all->at(1).words == Words{"j${k}l\t"});
    CHECK(all->at(1).block);
    CHECK(all->at(1).inside.at(0).words == Words{"m"});
    CHECK(all->at(2).words == Words{"n", "}"});
}

TEST_CASE("braces that do not match are no configuration") {
    for (const auto* const text : {"a {", "a { b; } }", "}", "{ a; }", "a", "a { b"}) {
        CAPTURE(text);
        CHECK_FALSE(parse(text));
    }
    std::string deep;
    for (int i = 0; i < 1'000; ++i) deep += "a {";
    CHECK_FALSE(parse(deep));
    CHECK(parse("")->empty());
}

TEST_CASE("a block of Lua is skipped, with its braces, strings and comments") {
    const auto all = parse("content_by_lua_block {\n local a = { '}' } -- }\n --[[ } ]]\n } b;");
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    CHECK(all->at(1).words == Words{"b"});
}

TEST_CASE("the listens of every server are found, with their options") {
    const auto configuration = read_main("events {}\n"
                                         "http { server { listen 80 default_server backlog=64;\n"
                                         "  listen [::]:80; location / { listen 1; } }\n"
                                         "  server { listen unix:/run/x.sock; } }\n"
                                         "stream { upstream u { server 10.0.0.1:5; }\n"
                                         "  server { listen 53 udp; } }\n");
    CHECK(addresses(configuration) == Words{"80", "[::]:80", "unix:/run/x.sock", "53"});
    CHECK(configuration->listens[0].options == Words{"default_server", "backlog=64"});
    CHECK_FALSE(configuration->bare_server);
    CHECK_FALSE(configuration->foreground);
}

TEST_CASE("an HTTP server without a listen is told of, one of another kind is not") {
    CHECK(read_main("http { server { } }")->bare_server);
    CHECK_FALSE(read_main("http { }")->bare_server);
    CHECK_FALSE(read_main("mail { server { } }")->bare_server);
}

TEST_CASE("daemon off is found in the file and in -g") {
    CHECK(read_main("daemon off;")->foreground);
    CHECK(read_main("", "daemon off;")->foreground);
    CHECK_FALSE(read_main("daemon on;")->foreground);
    CHECK_FALSE(read_main("", "daemon {"));
}

TEST_CASE("included files are read in their place, in their order, relative to the main one") {
    const auto dump =
        file("/etc/nginx/nginx.conf", "http { include conf.d/*.conf; include one; }") +
        file("/etc/nginx/conf.d/b.conf", "server { listen 2; include ports; }") +
        file("/etc/nginx/conf.d/a.conf", "server { listen 1; }") +
        file("/etc/nginx/conf.d/.c.conf", "server { listen 9; }") +
        file("/etc/nginx/conf.d/d/e.conf", "server { listen 9; }") +
        file("/etc/nginx/ports", "listen 3;") + file("/etc/nginx/one", "");
    CHECK(addresses(read_configuration("nginx: the configuration file is ok\n" + dump, {})) ==
          Words{"1", "2", "3"});
}

TEST_CASE("a file that is missing from the output makes it useless") {
    CHECK_FALSE(read_main("http { include absent.conf; }"));
    CHECK_FALSE(read_main("http { include conf.d/[ab].conf; }"));
    CHECK(read_main("http { include conf.d/*.conf; }")->listens.empty());
    CHECK_FALSE(read_configuration("", {}));
    CHECK_FALSE(read_configuration("nginx: something else\n", {}));
}

TEST_CASE("files that include each other end somewhere") {
    CHECK_FALSE(read_main("include nginx.conf;"));
    CHECK_FALSE(read_main("include nginx.conf; include nginx.conf; include nginx.conf;"));
}

TEST_CASE("a comment that looks like the header of a file that was there is one") {
    const auto output = file("/a/nginx.conf", "http { server { listen 1;\n"
                                              "# configuration file /a/nginx.conf:\nlisten 2; } }");
    CHECK(addresses(read_configuration(output, {})) == Words{"1", "2"});
}

} // namespace sluice::nginx
