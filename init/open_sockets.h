#pragma once

#include <optional>
#include <string>
#include <vector>

#include "init/fpm/inquiry.h"
#include "init/fpm/pool_sockets.h"
#include "init/intake.h"
#include "init/nginx/sockets.h"
#include "init/os/private_folder.h"

namespace sluice {

/// The sockets that sluice binds for the service. They stay open over all of its runs.
class OpenSockets {
  public:
    OpenSockets() = default;

    /// Binds what was planned; with any problems() nothing is to be used.
    explicit OpenSockets(const fpm::Sockets& planned);
    explicit OpenSockets(const nginx::Sockets& planned);

    /// Reasons not to start, each one a sentence.
    const std::vector<std::string>& problems() const { return problems_; }

    /// FPM can be given a status page of sluice's: there is a folder for its socket.
    bool own_status() const { return own_status_; }

    /// What users connect to.
    Intake& intake() { return intake_; }

    /// Where the newest run can be asked.
    const std::vector<fpm::StatusPage>& pages() const { return pages_; }

    /// True for the title of a worker ("php-fpm: pool www_status") that serves FPM's status alone.
    bool serves_status(const std::string& title) const;

    /// Makes new sockets for FPM's status: what is left of the run before goes on listening on the
    /// old ones, and would answer in place of the next.
    void renew_status();

    /// What the newest run inherits, and the variables (FPM_SOCKETS, NGINX) that tell it.
    std::vector<int> descriptors() const;
    std::vector<std::string> environment() const;

  private:
    struct Other {
        std::string key;
        net::Listener listener;
    };

    template <class Made>
    bool refused(const std::string& of, const Made& made);
    void open_listener(const fpm::PoolSocket& socket);
    void open_status(const fpm::StatusSocket& status);
    std::vector<std::pair<std::string, int>> all() const;

    Intake intake_;
    std::optional<os::PrivateFolder> folder_;
    std::vector<Other> users_own_; // pm.status_listen that the user has set
    std::vector<Other> status_;    // after the folder: they leave it first
    std::vector<fpm::StatusSocket> planned_status_;
    std::vector<fpm::StatusPage> pages_;
    bool for_nginx_ = false;
    int names_ = 0;
    bool own_status_ = true;
    std::vector<std::string> problems_;
};

} // namespace sluice
