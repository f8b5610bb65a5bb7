#pragma once

#include <optional>
#include <string>
#include <vector>

#include "descriptor.h"
#include "place.h"
#include "sluice.h"
#include "temp_folder.h"

namespace tests {

/// A connection for one HTTP/1.1 request after the other.
class HttpConnection {
  public:
    explicit HttpConnection(const Place& place) : connection_(place.connect()) {}

    bool send(const std::string& text);

    bool get(const std::string& target) { return send("GET " + target + request_end()); }

    static std::string request_end() { return " HTTP/1.1\r\nHost: localhost\r\n\r\n"; }

    /// The head of an answer, up to its empty line; empty if it does not come.
    std::string head();

    /// The body of a 200, if all of it came (Content-Length); nothing if it was refused, cut or
    /// lost.
    std::optional<std::string> answer() { return rest_of(head()); }

    std::optional<std::string> rest_of(const std::string& head);

    /// Waits until the other side closes it: an end of file, and no byte before.
    bool ends();

  private:
    std::string receive_until(const std::string& end);

    Descriptor connection_;
};

/// What the configuration of an NginxSite has beside the usual. "@folder@" stands for the site's
/// folder, "@port@" for its port.
struct NginxLines {
    std::string main = {};                           // outside of http
    std::string listen = "listen 127.0.0.1:@port@;"; // of the server
    std::string http = {};                           // further servers
    bool by_path = false;                            // the server listens on a unix socket instead
};

/// A folder with a configuration of nginx, on a port of its own: "/" answers "pong", "/slow" takes
/// two to three seconds for its answer, of which the first half comes at once.
class NginxSite {
  public:
    explicit NginxSite(const NginxLines& lines = {});

    const TempFolder& folder() const { return folder_; }

    int port() const { return port_; }

    /// Where the server listens.
    const Place& place() const { return place_; }

    /// Writes the configuration again, with another answer for "/".
    void configure(const NginxLines& lines, const std::string& answer = "pong") const;

    std::string config() const { return folder_.path("nginx.conf"); }

    /// `nginx -c nginx.conf -e error.log WORD...`.
    std::vector<std::string> command(const std::vector<std::string>& words = {}) const;

    /// What nginx wrote into its error_log.
    std::string log() const { return read_file(folder_.path("error.log")); }

    /// True as soon as "/" is answered so.
    bool serves(const std::string& answer = "pong") const { return serves(answer, place_); }

    static bool serves(const std::string& answer, const Place& place);

    /// A request whose answer has begun and takes seconds.
    HttpConnection in_flight() const { return in_flight(place_); }

    static HttpConnection in_flight(const Place& place);

    /// The rest of the answer of one that was in flight is there, to the last byte.
    static bool is_whole(HttpConnection& request);

  private:
    std::string fill_in(std::string text) const;

    TempFolder folder_;
    int port_;
    Place place_;
};

} // namespace tests
