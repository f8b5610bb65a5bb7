#include "init/status_sockets.h"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

// A status socket has few clients: sluice alone.
constexpr int backlog = 16;

} // namespace

StatusSockets::StatusSockets(std::vector<fpm::StatusSocket> planned)
    : planned_(std::move(planned)) {
    open();
}

void StatusSockets::open() {
    available_ = true;
    for (const auto& status : planned_) open(status);
    if (available_) return;
    sockets_.clear(); // nobody would serve those that were made
    pages_.clear();
}

void StatusSockets::open(const fpm::StatusSocket& status) {
    if (status.at) {
        pages_.push_back({status.pool, *status.at, status.status_path, status.ping_path});
        return;
    }
    if (!folder_) folder_ = os::PrivateFolder::make();
    if (!folder_) {
        available_ = false;
        return;
    }
    const net::PathEndpoint at{folder_->path() + "/" + std::to_string(names_++)};
    auto made = net::listen({.endpoint = at, .backlog = backlog, .mode = 0600});
    if (std::holds_alternative<net::Refused>(made)) {
        available_ = false;
        return;
    }
    sockets_.push_back({status.key, std::get<net::Listener>(std::move(made))});
    pages_.push_back({status.pool, at, status.status_path, status.ping_path});
}

bool StatusSockets::all_private() const {
    return std::ranges::none_of(planned_, [](const auto& status) { return status.at.has_value(); });
}

// fpm_conf.c names the pool of a pm.status_listen so. A pool of the user's may have that name, too.
bool StatusSockets::serve(const std::string& title) const {
    const auto is_of = [&](const fpm::StatusSocket& status) {
        return title == "php-fpm: pool " + status.pool;
    };
    return std::ranges::none_of(planned_, is_of) &&
           std::ranges::any_of(planned_, [&](const fpm::StatusSocket& status) {
               return title == "php-fpm: pool " + status.pool + "_status";
           });
}

void StatusSockets::shut() {
    shut_ = true;
    for (auto& socket : sockets_) socket.listener.shut();
}

// Without a socket under each key FPM would bind the key itself, cannot, and exits with 78. So
// where no new ones can be had the next run gets the old ones, whose workers have been killed.
void StatusSockets::renew() {
    if (!available_) return;
    auto old = std::exchange(sockets_, {});
    auto old_pages = std::exchange(pages_, {});
    auto old_folder = std::exchange(folder_, {}); // somebody may have cleaned it away
    open();
    if (available_) {
        for (auto& socket : old) socket.listener.shut(); // so that its worker leaves
        old.clear();                                     // before their folder
        shut_ = false;
        return;
    }
    available_ = true;
    sockets_ = std::move(old);
    pages_ = std::move(old_pages);
    folder_ = std::move(old_folder);
}

std::vector<std::pair<std::string, int>> StatusSockets::keys() const {
    std::vector<std::pair<std::string, int>> found;
    for (const auto& socket : sockets_)
        found.emplace_back(socket.key, socket.listener.descriptor());
    return found;
}

} // namespace sluice
