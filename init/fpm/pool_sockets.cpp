#include "init/fpm/pool_sockets.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "init/fpm/listen_address.h"

namespace sluice::fpm {

namespace {

class Planner {
  public:
    Planner(const EffectiveConfig& config, const Machine& machine, bool own_names,
            const Needs& needs)
        : config_(config), machine_(machine), own_names_(own_names), needs_(needs) {}

    Sockets plan() {
        sockets_.all = true;
        for (const auto& pool : config_.pools) take(pool);
        if (own_names_) {
            for (const auto& pool : config_.pools) plan_status(pool);
            for (const auto& pool : config_.pools) meet_needs(pool);
        }
        for (const auto& pool : config_.pools) note_ping(pool);
        sockets_.status_of_all = sockets_.status.size() == config_.pools.size();
        // Room for the workers that tell the status.
        if (config_.process_max > 0 && !sockets_.status.empty()) {
            sockets_.overrides.process_max =
                config_.process_max + static_cast<int>(sockets_.status.size());
        }
        return std::move(sockets_);
    }

  private:
    void leave_to_fpm(const Pool& pool, const std::string& why) {
        sockets_.all = false;
        sockets_.notices.push_back("pool " + pool.name + ": listen = " + pool.listen +
                                   " is left to FPM, because " + why +
                                   ": what waits in its accept queue at a stop is lost");
    }

    void take(const Pool& pool) {
        auto target = interpret_listen(pool.listen, machine_.hosts, machine_.ipv6);
        if (const auto* const why = std::get_if<std::string>(&target)) {
            leave_to_fpm(pool, *why);
            return;
        }
        auto& found = std::get<Target>(target);
        PoolSocket socket{.pool = pool.name,
                          .wanted = {.endpoint = found.endpoint, .backlog = pool.backlog},
                          .key = found.key};
        PoolOverride change{.name = pool.name};
        if (std::holds_alternative<net::PathEndpoint>(found.endpoint)) {
            if (!pool.acl_users.empty() || !pool.acl_groups.empty()) {
                leave_to_fpm(pool, "sluice sets no POSIX ACLs (listen.acl_users, acl_groups)");
                return;
            }
            if (!set_permissions(pool, socket.wanted)) return;
            if (own_names_) change.listen = socket.key = private_name();
        }
        if (own_names_) sockets_.overrides.pools.push_back(std::move(change));
        sockets_.listeners.push_back(std::move(socket));
    }

    bool set_permissions(const Pool& pool, net::Wanted& wanted) {
        if (!pool.listen_owner.empty()) {
            wanted.owner = machine_.user_id(pool.listen_owner);
            if (!wanted.owner) {
                leave_to_fpm(pool, "listen.owner " + pool.listen_owner + " is not in /etc/passwd");
                return false;
            }
        }
        if (!pool.listen_group.empty()) {
            wanted.group = machine_.group_id(pool.listen_group);
            if (!wanted.group) {
                leave_to_fpm(pool, "listen.group " + pool.listen_group + " is not in /etc/group");
                return false;
            }
        }
        if (!pool.listen_mode.empty()) {
            const auto& digits = pool.listen_mode;
            std::from_chars(digits.data(), digits.data() + digits.size(), wanted.mode, 8);
        }
        return true;
    }

    // There is nothing of this name in the file system, and FPM unlinks it when it ends.
    std::string private_name() {
        return "/sluice-" + machine_.token.substr(0, 16) + "/" + std::to_string(names_++);
    }

    void plan_status(const Pool& pool) {
        if (!config_.knows_status_listen) return;
        StatusSocket status{
            .pool = pool.name, .status_path = pool.status_path, .ping_path = pool.ping_path};
        PoolOverride& change = override_of(pool);
        if (status.status_path.empty()) {
            status.status_path = change.status_path = "/" + machine_.token + "/status";
        }
        if (status.ping_path.empty()) {
            status.ping_path = change.ping_path = own_ping_path();
        }
        if (pool.status_listen.empty()) {
            status.key = change.status_listen = private_name();
        } else if (!keep_users_own(pool, status, change)) {
            return;
        }
        sockets_.status.push_back(std::move(status));
    }

    // FPM gives it the owner, the mode and the allowed clients of the pool's own socket.
    bool keep_users_own(const Pool& pool, StatusSocket& status, PoolOverride& change) {
        const auto target = interpret_listen(pool.status_listen, machine_.hosts, machine_.ipv6);
        const auto* const found = std::get_if<Target>(&target);
        if (found == nullptr) return false;
        PoolSocket socket{.pool = pool.name,
                          .wanted = {.endpoint = found->endpoint, .backlog = pool.backlog},
                          .key = found->key,
                          .users = false};
        if (std::holds_alternative<net::PathEndpoint>(found->endpoint)) {
            if (!set_permissions(pool, socket.wanted)) return false;
            socket.key = change.status_listen = private_name();
        }
        status.at = found->endpoint;
        const bool by_port = std::holds_alternative<net::TcpEndpoint>(found->endpoint);
        sockets_.listeners.push_back(std::move(socket));
        return !by_port || pool.allowed_clients.empty(); // sluice might not be one
    }

    const PoolSocket* users_socket(const Pool& pool) const {
        for (const auto& socket : sockets_.listeners) {
            if (socket.users && socket.pool == pool.name) return &socket;
        }
        return nullptr;
    }

    void meet_needs(const Pool& pool) {
        const auto* const found = find_override(pool);
        PoolOverride change = found != nullptr ? *found : PoolOverride{.name = pool.name};
        const auto before = change;
        const auto* const socket = users_socket(pool);
        auto notices =
            add_needs(change, pool, needs_,
                      socket == nullptr ? std::nullopt : std::optional(socket->wanted.endpoint),
                      own_ping_path());
        if (change != before) override_of(pool) = std::move(change);
        std::ranges::move(notices, std::back_inserter(sockets_.notices));
    }

    void note_ping(const Pool& pool) {
        if (users_socket(pool) == nullptr) return;
        const auto* const change = find_override(pool);
        const auto& path =
            change == nullptr || change->ping_path.empty() ? pool.ping_path : change->ping_path;
        if (path.empty()) return;
        const std::string response = pool.ping_response.empty() ? "pong" : pool.ping_response;
        sockets_.pings.push_back({pool.name, path, response});
    }

    std::string own_ping_path() const { return "/" + machine_.token + "/ping"; }

    PoolOverride* find_override(const Pool& pool) {
        auto& all = sockets_.overrides.pools;
        const auto found = std::ranges::find(all, pool.name, &PoolOverride::name);
        return found == all.end() ? nullptr : &*found;
    }

    PoolOverride& override_of(const Pool& pool) {
        if (auto* const found = find_override(pool)) return *found;
        return sockets_.overrides.pools.emplace_back(PoolOverride{.name = pool.name});
    }

    const EffectiveConfig& config_;
    const Machine& machine_;
    bool own_names_;
    const Needs& needs_;
    int names_ = 0;
    Sockets sockets_;
};

} // namespace

Sockets plan_sockets(const EffectiveConfig& config, const Machine& machine, bool own_names,
                     const Needs& needs) {
    return Planner(config, machine, own_names, needs).plan();
}

} // namespace sluice::fpm
