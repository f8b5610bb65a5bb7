#include "init/net/features.h"

#include <netinet/in.h>

#include "init/net/diag.h"
#include "init/net/listener.h"
#include "init/net/selector.h"
#include "init/net/socket.h"

namespace sluice::net {

Features find_features() {
    Features features;
    TcpEndpoint loopback{.family = AF_INET, .port = 0}; // the kernel chooses a free port
    loopback.host = {127, 0, 0, 1};
    auto made = join({.endpoint = loopback});
    auto* const listener = std::get_if<Listener>(&made);
    if (listener == nullptr) return features;
    features.tells = connections(*listener).has_value();
    features.selects = select_member(*listener, 0) == 0;
    features.refuses = listener->hide() == 0; // last: for good
    return features;
}

std::string describe(const Features& features) {
    std::string text = features.refuses ? "new connections can be refused at a stop"
                                        : "new connections are held off at a stop, as "
                                          "SO_BINDTOIFINDEX is refused";
    text += features.tells ? ", connections can be counted"
                           : ", connections cannot be counted (no SOCK_DIAG): FPM's status alone "
                             "tells what is in flight";
    text += features.selects ? ", two listeners can share an address"
                             : ", two listeners cannot share an address "
                               "(SO_ATTACH_REUSEPORT_CBPF is refused): after a crash the workers "
                               "that are left share theirs with the new ones";
    return text;
}

bool ipv6_can_be_bound() {
    const TcpEndpoint any{.family = AF_INET6, .port = 0};
    const auto socket = stream_socket(any);
    return socket && bind_to(socket, any) == 0;
}

} // namespace sluice::net
