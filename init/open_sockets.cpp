#include "init/open_sockets.h"

#include <utility>

namespace sluice {

namespace {

// FPM reads so many from one variable, the next ones from FPM_SOCKETS_1 and so on (fpm_sockets.c).
constexpr std::size_t most_in_variable = 128;

// A status socket has few clients: sluice alone.
constexpr int status_backlog = 16;

class Opening {
  public:
    OpenSockets open(const fpm::Sockets& planned) {
        for (const auto& socket : planned.listeners) open_listener(socket);
        for (const auto& status : planned.status) open_status(status);
        write_environment();
        return std::move(opened_);
    }

  private:
    void pass(const std::string& key, int descriptor) {
        opened_.descriptors.push_back(descriptor);
        pairs_.push_back(key + "=" + std::to_string(descriptor));
    }

    void open_listener(const fpm::PoolSocket& socket) {
        if (!socket.users) {
            auto made = net::listen(socket.wanted);
            if (refused(socket.pool, made)) return;
            auto& listener = std::get<net::Listener>(made);
            pass(socket.key, listener.descriptor());
            opened_.others.push_back(std::move(listener));
            return;
        }
        auto made = net::Address::open(socket.wanted);
        if (refused(socket.pool, made)) return;
        auto& address = std::get<net::Address>(made);
        pass(socket.key, address.live().descriptor());
        opened_.intake.add(std::move(address));
    }

    template <class Made>
    bool refused(const std::string& pool, const Made& made) {
        const auto* const refusal = std::get_if<net::Refused>(&made);
        if (refusal != nullptr) opened_.problems.push_back("pool " + pool + ": " + refusal->why);
        return refusal != nullptr;
    }

    void open_status(const fpm::StatusSocket& status) {
        if (status.at) {
            opened_.pages.push_back(
                {status.pool, *status.at, status.status_path, status.ping_path});
            return;
        }
        // In a folder of our own: whoever can connect can have FPM execute any script, which the
        // pool's own socket may allow to fewer. (An abstract name has no owner and no mode.)
        if (!opened_.folder) opened_.folder = os::PrivateFolder::make();
        if (!opened_.folder) {
            opened_.own_status = false;
            return;
        }
        const auto path = opened_.folder->path() + "/" + std::to_string(opened_.others.size());
        net::Wanted wanted{.endpoint = net::PathEndpoint{path}, .backlog = status_backlog};
        wanted.mode = 0600;
        auto made = net::listen(wanted);
        if (refused(status.pool, made)) return;
        auto& listener = std::get<net::Listener>(made);
        pass(status.key, listener.descriptor());
        opened_.pages.push_back(
            {status.pool, listener.endpoint(), status.status_path, status.ping_path});
        opened_.others.push_back(std::move(listener));
    }

    void write_environment() {
        for (std::size_t at = 0; at < pairs_.size(); ++at) {
            const auto number = at / most_in_variable;
            if (at % most_in_variable == 0) {
                opened_.environment.push_back(
                    "FPM_SOCKETS" + (number == 0 ? "" : "_" + std::to_string(number)) + "=");
            } else {
                opened_.environment.back() += ",";
            }
            opened_.environment.back() += pairs_[at];
        }
    }

    OpenSockets opened_;
    std::vector<std::string> pairs_;
};

} // namespace

OpenSockets open_sockets(const fpm::Sockets& planned) {
    return Opening().open(planned);
}

} // namespace sluice
