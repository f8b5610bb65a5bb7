#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "init/fpm/inquiry.h"
#include "init/fpm/pool_sockets.h"
#include "init/net/listener.h"
#include "init/os/private_folder.h"

namespace sluice {

/// Where one generation of FPM can be asked for its status: sockets of its own, in a folder that
/// only sluice's user can enter. Who can connect to one can have FPM execute any script, which the
/// pool's own socket may allow to fewer. (An abstract name has no owner and no mode.)
class StatusSockets {
  public:
    StatusSockets() = default;

    /// For all pools or for none: available() is false where there is no folder for them.
    explicit StatusSockets(std::vector<fpm::StatusSocket> planned);

    bool available() const { return available_; }

    /// Where the newest run can be asked.
    const std::vector<fpm::StatusPage>& pages() const { return pages_; }

    /// Every page is on a socket of this generation alone, none on one that the user has set
    /// (pm.status_listen), where after a switch the next generation answers.
    bool all_private() const;

    /// True for the title of a worker ("php-fpm: pool www_status") that serves FPM's status alone.
    bool serve(const std::string& title) const;

    /// Ends listening on them, for good: so their workers leave by themselves, also where nobody
    /// may signal them. The next run needs renew().
    void shut();

    bool is_shut() const { return shut_; }

    /// Makes new sockets: what is left of the run before goes on listening on the old ones, and
    /// would answer in place of the next.
    void renew();

    /// What FPM calls them, and their descriptors.
    std::vector<std::pair<std::string, int>> keys() const;

  private:
    struct Socket {
        std::string key;
        net::Listener listener;
    };

    void open();
    void open(const fpm::StatusSocket& status);

    std::vector<fpm::StatusSocket> planned_;
    std::optional<os::PrivateFolder> folder_;
    std::vector<Socket> sockets_; // after the folder: they leave it first
    std::vector<fpm::StatusPage> pages_;
    int names_ = 0;
    bool available_ = true;
    bool shut_ = false;
};

} // namespace sluice
