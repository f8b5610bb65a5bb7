#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "init/net/endpoint.h"
#include "init/net/listener.h"
#include "init/os/descriptor.h"

namespace tests {

/// What a client's connect() met.
enum class Met { connected, refused, absent, silence };

struct Client {
    Met met;
    sluice::os::Descriptor socket;
};

/// Connects, and takes no answer within a third of a second (a dropped SYN comes again after one)
/// for silence.
Client connect_to(const sluice::net::Endpoint& endpoint);

/// As many connections, all of which must succeed.
std::vector<Client> connect_many(const sluice::net::Endpoint& endpoint, int count);

/// Accepts one that is waiting; none if there is none.
sluice::os::Descriptor accept_from(const sluice::net::Listener& listener);

/// Accepts all that wait.
int accept_all(const sluice::net::Listener& listener);

/// Bytes one way. True if all went.
bool send_text(const sluice::os::Descriptor& socket, const std::string& text);

/// 127.0.0.1 with a port that nobody has at this moment.
sluice::net::TcpEndpoint free_endpoint();
sluice::net::TcpEndpoint free_endpoint(int family, bool wildcard);

/// The loopback address of a family, with this port.
sluice::net::TcpEndpoint loopback(int family, std::uint16_t port);

/// The listener, or a failed test with the sentence.
sluice::net::Listener listening(const sluice::net::Wanted& wanted);
sluice::net::Listener joining(const sluice::net::Wanted& wanted);

/// Runs the steps in a forked child, as uid 33 without capabilities if asked, and gives what they
/// return: 0 for good, or the number of the step that went wrong. For uid 33 one has to be root.
int in_child(int (*steps)(), bool as_nobody);

} // namespace tests
