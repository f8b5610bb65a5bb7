#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fastcgi.h"
#include "sluice.h"
#include "temp_folder.h"

namespace tests {

/// What the configuration of an FpmSite has beside the usual. "@folder@" stands for the site's
/// folder and "@port@" for its port.
struct FpmLines {
    std::string global = {}; // of [global]
    std::string pool = {};   // of [www], after the usual ones: the last one wins
    std::string more = {};   // further pools
    bool by_path = false;    // [www] listens on a unix socket, in "marks"
};

/// Runs the rest of the test case once over TCP (false) and once over a unix socket (true).
bool each_transport();

/// A folder with a PHP application and a configuration of FPM for it, on a port of its own.
class FpmSite {
  public:
    /// `global` goes into FPM's [global] section.
    explicit FpmSite(const std::string& global = {}) : FpmSite(FpmLines{.global = global}) {}

    explicit FpmSite(const FpmLines& lines);

    const TempFolder& folder() const { return folder_; }

    int port() const { return port_; }

    /// Where [www] listens.
    const Place& place() const { return place_; }

    /// "@folder@" and "@port@" filled in.
    std::string fill_in(std::string text) const;

    std::string config() const { return folder_.path("php-fpm.conf"); }

    /// The program and its arguments: `php-fpm8.2 -y php-fpm.conf WORD...`.
    std::vector<std::string> command(const std::vector<std::string>& words = {}) const;

    /// Where "docker-php-entrypoint", "wrapper" and "php-fpm" are found.
    std::map<std::string, std::string> search_path() const;

    /// True as soon as a request is answered.
    bool serves() const { return serves(place_); }

    bool serves(const Place& place) const;

    /// A request that is being executed, and takes so long from now.
    FastcgiRequest in_flight(std::chrono::milliseconds duration) const {
        return in_flight(duration, place_);
    }

    FastcgiRequest in_flight(std::chrono::milliseconds duration, const Place& place) const;

    /// A request that is being executed, by a script of the folder "app" that makes the mark whose
    /// name it gets as "mark" in the query.
    FastcgiRequest executing(const std::string& script, const std::string& query = {}) const;

    /// Whether this is the whole answer of a request that was in flight.
    static bool is_whole(const std::optional<std::string>& answer);

    /// The same through a web server's port.
    HttpRequest in_flight_through(int http_port, std::chrono::milliseconds duration) const;

  private:
    std::string next_mark() const;
    void await_mark(const std::string& mark) const;

    TempFolder folder_;
    int port_;
    Place place_;
    mutable int marks_ = 0;
};

/// For before_exec: becomes www-data.
void become_www_data();

} // namespace tests
