#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>

#include "fleet/engine/container.h"
#include "init/os/descriptor.h"

namespace sluice::fleet {

/// A connection to the control socket of the sluice that is a container's first process, or none.
struct Reached {
    os::Descriptor socket;
    bool nobody = false; // all fits, but nobody listens at a usual place (yet)
};

using OnReached = std::function<void(Reached)>;

/// Connects to a usual place of the control socket (/run/sluice.sock, then the abstract name), from
/// inside the container's namespaces, by a child that lives for some milliseconds; for sluice takes
/// no request from another PID namespace, and a path in a container may lead anywhere seen from
/// outside. Takes root on the Engine's own host. Calls back once, from the loop, within 2 s: with
/// no connection where anything does not fit. In particular the process with the container's pid
/// has to be in a control group of the container's name, and has to be the one that listens.
void reach(boost::asio::io_context& loop, const Container& container, OnReached on_reached);

} // namespace sluice::fleet
