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
    std::string text = features.refuses
                           ? "at a stop new connections are refused"
                           : "at a stop new connections are held off (SO_BINDTOIFINDEX is refused)";
    text += features.tells ? ", the kernel tells what is in flight"
                           : ", FPM alone tells what is in flight (NETLINK_SOCK_DIAG is refused)";
    text += features.selects
                ? ", a next run can have listeners of its own"
                : ", a next run shares the listeners (SO_ATTACH_REUSEPORT_CBPF is refused)";
    return text;
}

bool can_be_bound(const TcpEndpoint& endpoint) {
    const auto socket = stream_socket(endpoint);
    return socket && bind_to(socket, endpoint) == 0;
}

} // namespace sluice::net
