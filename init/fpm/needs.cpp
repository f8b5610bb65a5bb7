#include "init/fpm/needs.h"

#include <algorithm>
#include <string_view>

#include "init/net/way_in.h"

namespace sluice::fpm {

namespace {

void set_workers(PoolOverride& change, const Pool& pool, int wanted) {
    if (pool.pm != "dynamic") return;
    const int start = std::min(wanted, pool.max_children);
    if (start <= pool.start_servers) return;
    change.start_servers = start;
    if (start > pool.max_spare_servers) change.max_spare_servers = start;
}

std::string_view without_slash(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path;
}

// Nothing: the pool's chdir is no business of the release.
std::optional<std::string> chdir_in(const Release& release, const Pool& pool) {
    if (!pool.chroot.empty()) return {};
    const auto link = without_slash(release.link);
    const std::string_view chdir = pool.chdir.empty() ? link : without_slash(pool.chdir);
    if (!chdir.starts_with(link)) return {};
    const auto below = chdir.substr(link.size());
    if (!below.empty() && !below.starts_with('/')) return {};
    auto folder = std::string(without_slash(release.folder));
    folder += below;
    return folder;
}

// FPM's parser has no way to write these in a value.
bool can_be_written(std::string_view value) {
    return std::ranges::none_of(value, [](char c) { return c == '"' || c == '\\' || c == '\n'; }) &&
           value.find("${") == std::string_view::npos;
}

bool lists(std::string_view clients, std::string_view address) {
    while (!clients.empty()) {
        const auto end = clients.find(',');
        auto one = clients.substr(0, end);
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (one == address) return true;
        clients.remove_prefix(end == std::string_view::npos ? clients.size() : end + 1);
    }
    return false;
}

} // namespace

std::vector<std::string> add_needs(PoolOverride& change, const Pool& pool, const Needs& needs,
                                   const std::optional<net::Endpoint>& users,
                                   const std::string& ping_path) {
    std::vector<std::string> notices;
    const auto asked = needs.workers.find(pool.name);
    if (asked != needs.workers.end()) set_workers(change, pool, asked->second);
    if (needs.release) {
        const auto chdir = chdir_in(*needs.release, pool);
        if (chdir && can_be_written(*chdir)) {
            change.chdir = *chdir;
        } else if (chdir) {
            notices.push_back("pool " + pool.name +
                              ": the release's path cannot be written into FPM's configuration, so "
                              "chdir stays as it is and generations are not kept apart: take a "
                              "path without quotes, backslashes and ${: " +
                              *chdir);
        }
    }
    change.fresh_files = needs.fresh_files;
    if (!needs.way_in || !users) return notices;
    if (pool.ping_path.empty()) change.ping_path = ping_path;
    if (pool.allowed_clients.empty()) return notices;
    auto clients = pool.allowed_clients;
    for (const auto& own : net::own_addresses(*users)) {
        if (!lists(clients, own)) clients += "," + own;
    }
    if (clients == pool.allowed_clients) return notices;
    // FPM's -tt has cut it (log_limit), and those that it lacks would be locked out.
    if (pool.allowed_clients.ends_with("...")) {
        notices.push_back("pool " + pool.name +
                          ": listen.allowed_clients is too long for FPM to show it whole: raise "
                          "log_limit, or add sluice's own address (127.0.0.1, ::1) to it");
    } else {
        change.allowed_clients = std::move(clients);
    }
    return notices;
}

// The workers that FPM lists count, and not its sums: those it corrects once a second only, and in
// between they are short of one at times (seen with 8.2: 7 idle, 0 active, 8 listed). Each reload
// would lose that one. (Nor may it be more than FPM would take: of an ondemand pool under load its
// sum tells 6 of at most 4.)
int workers_to_start_with(const Status& before, const Pool& pool) {
    const auto all = std::min(static_cast<int>(before.workers.size()), pool.max_children);
    if (pool.pm != "dynamic") return all;
    const auto idle = static_cast<int>(std::ranges::count_if(before.workers, [](const auto& one) {
        return one.state == State::idle || one.state == State::creating;
    }));
    return std::min(all, all - idle + std::min(idle, pool.max_spare_servers));
}

} // namespace sluice::fpm
