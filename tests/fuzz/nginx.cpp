#include <string>
#include <variant>

#include "init/nginx/listens.h"
#include "init/nginx/sockets.h"
#include "tests/fuzz/fuzz.h"

namespace {

bool can_be_bound(const sluice::net::Wanted& wanted) {
    const auto* const tcp = std::get_if<sluice::net::TcpEndpoint>(&wanted.endpoint);
    if (tcp != nullptr) return tcp->port > 0;
    const auto& path = std::get<sluice::net::PathEndpoint>(wanted.endpoint).path;
    return path.starts_with('/') && path.size() <= sluice::net::longest_path;
}

} // namespace

// What nginx -T prints, with and without the line that begins a file; and what -g gives.
void fuzz(std::string_view bytes) {
    using namespace sluice::nginx;
    const std::string header = "# configuration file /etc/nginx/nginx.conf:\n";
    for (const auto& output : {std::string(bytes), header + std::string(bytes)}) {
        const auto configuration = read_configuration(output, {});
        if (!configuration) continue;
        const auto sockets = plan_sockets(*configuration, {.hosts = output});
        expect(sockets.all == sockets.notices.empty());
        for (const auto& wanted : sockets.listeners) {
            expect(can_be_bound(wanted));
            expect(!wanted.blocks);
        }
        const auto again = plan_sockets(*configuration, {.hosts = output});
        expect(again.listeners == sockets.listeners);
    }
    read_configuration(header, std::string(bytes));
}
