#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fastcgi.h"
#include "sluice.h"
#include "temp_folder.h"

namespace tests {

/// A folder with a PHP application and a configuration of FPM for it, on a port of its own.
class FpmSite {
  public:
    /// `global` goes into FPM's [global] section.
    explicit FpmSite(const std::string& global = {});

    const TempFolder& folder() const { return folder_; }

    int port() const { return port_; }

    std::string config() const { return folder_.path("php-fpm.conf"); }

    /// The program and its arguments: `php-fpm8.2 -y php-fpm.conf WORD...`.
    std::vector<std::string> command(const std::vector<std::string>& words = {}) const;

    /// Where "docker-php-entrypoint", "wrapper" and "php-fpm" are found.
    std::map<std::string, std::string> search_path() const;

    /// True as soon as a request is answered.
    bool serves() const;

    /// A request that is being executed, and takes so long from now.
    FastcgiRequest in_flight(std::chrono::milliseconds duration) const;

    /// Whether this is the whole answer of a request that was in flight.
    static bool is_whole(const std::optional<std::string>& answer);

    /// The same through a web server's port.
    HttpRequest in_flight_through(int http_port, std::chrono::milliseconds duration) const;

  private:
    std::string next_mark() const;
    void await_mark(const std::string& mark) const;

    TempFolder folder_;
    int port_;
    mutable int marks_ = 0;
};

/// For before_exec: becomes www-data.
void become_www_data();

} // namespace tests
