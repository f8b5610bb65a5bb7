#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <string_view>

#include "running.h"

namespace {

/// `... serve ADDRESS` is a control server in a process of its own, for tests with namespaces; the
/// words before may be any, so that it can look like a sluice. "default": nothing configured. Says
/// where it listens.
int serve(const std::string& address) {
    boost::asio::io_context loop(1);
    sluice::control::Server server(loop, tests::answer);
    const auto problem = server.open(address == "default" ? std::nullopt : std::optional(address));
    std::printf("%s\n", problem ? problem->c_str() : ("at " + server.address()).c_str());
    std::fflush(stdout);
    if (!problem) loop.run();
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 2 && std::string_view(argv[argc - 2]) == "serve") return serve(argv[argc - 1]);
    return doctest::Context(argc, argv).run();
}
