#include <string>

#include "init/fpm/listen_address.h"
#include "tests/fuzz/fuzz.h"

// The first line is the value, the rest is /etc/hosts. A key never breaks FPM_SOCKETS' syntax, and
// a reason is one to show.
void fuzz(std::string_view bytes) {
    using namespace sluice;
    const auto line = bytes.substr(0, bytes.find('\n'));
    const std::string hosts(bytes.substr(line.size()));
    for (const bool ipv6 : {true, false}) {
        const auto result =
            fpm::interpret_listen(std::string(line), hosts, {.any = ipv6, .loopback = ipv6});
        if (const auto* const reason = std::get_if<std::string>(&result)) {
            expect(!reason->empty());
            continue;
        }
        const auto& target = std::get<fpm::Target>(result);
        expect(target.key.find_first_of(std::string_view(",=\0", 3)) == std::string::npos);
        const auto* const path = std::get_if<net::PathEndpoint>(&target.endpoint);
        const auto* const tcp = std::get_if<net::TcpEndpoint>(&target.endpoint);
        if (path != nullptr) expect(path->path == target.key && path->path.size() < 108);
        if (tcp != nullptr) expect(tcp->port > 0 && target.key.find(':') != std::string::npos);
    }
}
