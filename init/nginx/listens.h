#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::nginx {

/// A `listen` directive of a server, as it is written.
struct Listen {
    std::string address;              // "80", "[::]:80", "unix:/run/x"
    std::vector<std::string> options; // "backlog=64", "reuseport"
    bool operator==(const Listen&) const = default;
};

/// What sluice needs to know of nginx's configuration.
struct Configuration {
    std::vector<Listen> listens; // of all servers (http, stream, mail), in order
    bool bare_server = false;    // an http server without any: nginx chooses the port by its user
    bool foreground = false;     // "daemon off"
    bool operator==(const Configuration&) const = default;
};

/// Reads what `nginx -T` printed: nginx's messages, then each file whole under a line with its
/// name, the main one first. Included files are looked up among them. `directives` are those of
/// -g. Nothing where it cannot be made out: a file is missing (the output may have been cut off) or
/// its braces do not match. Takes any bytes.
std::optional<Configuration> read_configuration(std::string_view output,
                                                const std::string& directives);

} // namespace sluice::nginx
