#pragma once

#include <cstdint>
#include <string>

#include "init/fpm/fastcgi.h"

namespace sluice::fpm {

/// What came of one request.
struct Reply {
    enum class End : std::uint8_t {
        whole,
        not_connected, // `error` is connect's errno
        cut,           // closed before the end (`error` 0), or it failed with this errno
        no_fastcgi,    // what came is something else
    };

    End end = End::cut;
    int error = 0;
    std::string output; // the page (parse_page); of a cut reply what came of it
    std::string errors; // what PHP logged
    bool truncated = false;
    ProtocolStatus status = ProtocolStatus::request_complete; // of a whole reply
};

} // namespace sluice::fpm
