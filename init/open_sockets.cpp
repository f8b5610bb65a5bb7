#include "init/open_sockets.h"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

// FPM reads so many from one variable, the next ones from FPM_SOCKETS_1 and so on (fpm_sockets.c).
constexpr std::size_t most_in_variable = 128;

// A status socket has few clients: sluice alone.
constexpr int status_backlog = 16;

} // namespace

OpenSockets::OpenSockets(const fpm::Sockets& planned) : planned_status_(planned.status) {
    for (const auto& socket : planned.listeners) open_listener(socket);
    for (const auto& status : planned_status_) open_status(status);
    if (own_status_) return;
    status_.clear(); // of all pools or of none: nobody serves those that were made
    pages_.clear();
}

OpenSockets::OpenSockets(const nginx::Sockets& planned) : for_nginx_(true) {
    for (const auto& wanted : planned.listeners) {
        auto made = net::Address::open(wanted);
        if (refused("nginx", made)) continue;
        intake_.add({}, wanted, std::get<net::Address>(std::move(made)));
    }
}

template <class Made>
bool OpenSockets::refused(const std::string& of, const Made& made) {
    const auto* const refusal = std::get_if<net::Refused>(&made);
    if (refusal != nullptr) problems_.push_back(of + ": " + refusal->why);
    return refusal != nullptr;
}

void OpenSockets::open_listener(const fpm::PoolSocket& socket) {
    if (!socket.users) {
        auto made = net::listen(socket.wanted);
        if (refused("pool " + socket.pool, made)) return;
        users_own_.push_back({socket.key, std::get<net::Listener>(std::move(made))});
        return;
    }
    auto made = net::Address::open(socket.wanted);
    if (refused("pool " + socket.pool, made)) return;
    intake_.add(socket.key, socket.wanted, std::get<net::Address>(std::move(made)));
}

void OpenSockets::open_status(const fpm::StatusSocket& status) {
    if (status.at) {
        pages_.push_back({status.pool, *status.at, status.status_path, status.ping_path});
        return;
    }
    // In a folder of our own: whoever can connect can have FPM execute any script, which the pool's
    // own socket may allow to fewer. (An abstract name has no owner and no mode.)
    if (!folder_) folder_ = os::PrivateFolder::make();
    if (!folder_) {
        own_status_ = false;
        return;
    }
    const net::PathEndpoint at{folder_->path() + "/" + std::to_string(names_++)};
    auto made = net::listen({.endpoint = at, .backlog = status_backlog, .mode = 0600});
    if (std::holds_alternative<net::Refused>(made)) {
        own_status_ = false;
        return;
    }
    status_.push_back({status.key, std::get<net::Listener>(std::move(made))});
    pages_.push_back({status.pool, at, status.status_path, status.ping_path});
}

// fpm_conf.c names the pool of a pm.status_listen so. A pool of the user's may have that name, too.
bool OpenSockets::serves_status(const std::string& title) const {
    const auto is_of = [&](const fpm::StatusSocket& status) {
        return title == "php-fpm: pool " + status.pool;
    };
    return std::ranges::none_of(planned_status_, is_of) &&
           std::ranges::any_of(planned_status_, [&](const fpm::StatusSocket& status) {
               return title == "php-fpm: pool " + status.pool + "_status";
           });
}

// Without a socket under each key FPM would bind the key itself, cannot, and exits with 78. So
// where no new ones can be had the next run gets the old ones, whose workers have been killed.
void OpenSockets::renew_status() {
    if (!own_status_) return;
    auto old = std::exchange(status_, {});
    auto old_pages = std::exchange(pages_, {});
    auto old_folder = std::exchange(folder_, {}); // somebody may have cleaned it away
    for (const auto& status : planned_status_) open_status(status);
    if (own_status_) {
        for (auto& other : old) other.listener.shut(); // so that its worker leaves
        old.clear();                                   // before their folder
        return;
    }
    own_status_ = true;
    status_ = std::move(old);
    pages_ = std::move(old_pages);
    folder_ = std::move(old_folder);
}

std::vector<std::pair<std::string, int>> OpenSockets::all() const {
    auto found = intake_.newest();
    for (const auto* const others : {&users_own_, &status_}) {
        for (const auto& other : *others) {
            found.emplace_back(other.key, other.listener.descriptor());
        }
    }
    return found;
}

std::vector<int> OpenSockets::descriptors() const {
    std::vector<int> found;
    for (const auto& [key, descriptor] : all()) found.push_back(descriptor);
    return found;
}

std::vector<std::string> OpenSockets::environment() const {
    std::vector<std::string> variables;
    const auto sockets = all();
    if (for_nginx_ && !sockets.empty()) {
        // nginx asks each for its address (getsockname), and closes those that it does not know.
        variables.emplace_back("NGINX=");
        for (const auto& [key, descriptor] : sockets) {
            variables.back() += std::to_string(descriptor) + ";";
        }
        return variables;
    }
    for (std::size_t at = 0; at < sockets.size(); ++at) {
        const auto number = at / most_in_variable;
        if (at % most_in_variable == 0) {
            variables.push_back("FPM_SOCKETS" + (number == 0 ? "" : "_" + std::to_string(number)) +
                                "=");
        } else {
            variables.back() += ",";
        }
        variables.back() += sockets[at].first + "=" + std::to_string(sockets[at].second);
    }
    return variables;
}

} // namespace sluice
