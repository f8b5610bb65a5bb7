#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::fleet {

/// Where the Engine listens.
struct Endpoint {
    std::string path; // of a unix socket; empty: TCP
    std::string ip;
    std::uint16_t port = 0;
    std::string shown; // for messages: as it was given

    bool operator==(const Endpoint&) const = default;
};

/// Docker's own default on Linux.
inline constexpr std::string_view usual_endpoint = "unix:///var/run/docker.sock";

/// What DOCKER_HOST says, empty being the default; or a sentence about what it has to be. `tls` is
/// DOCKER_TLS_VERIFY, which is refused where it is not empty.
std::variant<Endpoint, std::string> parse_endpoint(std::string_view docker_host,
                                                   std::string_view tls);

} // namespace sluice::fleet
