#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "init/fpm/effective_config.h"
#include "init/fpm/status.h"
#include "init/fpm/wrapper.h"
#include "init/net/endpoint.h"

namespace sluice::fpm {

/// The folder that a generation serves, and the symlink that the user's configuration knows it by.
struct Release {
    std::string link;   // "/srv/app/current": reload.release
    std::string folder; // "/srv/app/releases/7": what it led to when the generation was started
};

/// What a generation needs beside its sockets. With the defaults nothing changes.
struct Needs {
    // Pool -> how many workers it starts with; `dynamic` only (FPM starts all of a static pool, and
    // of an ondemand one those that somebody connects to: head_start.h).
    std::map<std::string, int> workers;
    std::optional<Release> release;
    // opcache takes files however young they are: without this (opcache.file_update_protection, 2
    // s) a warm-up right after publishing caches nothing.
    bool fresh_files = false;
    // sluice comes by the pools' own listeners (net/way_in.h): they have to have a ping and to let
    // it in.
    bool way_in = false;
};

/// What the pool's section of the wrapper config has to set for it, added to `change`; only what is
/// not so already. `users` is the endpoint that sluice listens on for the pool; nothing: none.
/// `ping_path` is taken where the user has none. Gives notices about what cannot be had. Pure.
///
/// - Workers: pm.start_servers as asked, but never less than the user's and never more than
///   pm.max_children; FPM wants pm.min_spare_servers <= pm.start_servers <= pm.max_spare_servers,
///   so the last one is raised where it is less.
/// - Release: a pool without chdir gets the folder as chdir; one whose chdir is the link, or is
/// below it,
///   gets the same place below the folder. A chdir elsewhere is another application's and
///   stays, and so does that of a pool with a chroot, where the folder's path means nothing.
/// - listen.allowed_clients, where it is set, gets the address that sluice comes from.
std::vector<std::string> add_needs(PoolOverride& change, const Pool& pool, const Needs& needs,
                                   const std::optional<net::Endpoint>& users,
                                   const std::string& ping_path);

/// With how many workers the next generation of a pool starts, so that nobody has to wait for it to
/// grow: as many as the one before has, pm.max_children at most; but of a dynamic one's idle ones
/// no more than pm.max_spare_servers, to which FPM would take them back in any case. (Otherwise
/// what a peak had made would be handed on from reload to reload: pm.max_spare_servers is raised
/// above.) `pool` is as the user configured it.
int workers_to_start_with(const Status& before, const Pool& pool);

} // namespace sluice::fpm
