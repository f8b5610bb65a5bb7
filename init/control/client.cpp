#include "init/control/client.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>

#include "config/quote.h"
#include "init/control/connection.h"
#include "init/control/progress_line.h"
#include "init/control/report_json.h"
#include "init/control/report_text.h"
#include "init/core/exit_status.h"
#include "init/os/json_text.h"

namespace sluice::control {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience(5);
constexpr std::chrono::milliseconds between_ticks(100);

void put(std::FILE* file, const std::string& line) {
    std::fputs((line + "\n").c_str(), file);
}

int cannot_ask(const std::string& why) {
    put(stderr, why);
    return core::exit_own_error;
}

std::string why_not(const std::string& address, int error) {
    const auto shown = config::shown(address);
    switch (error) {
    case EACCES:
        return "uid " + std::to_string(::geteuid()) + " may not connect to " + shown +
               "; ask as root or as the user that sluice runs as";
    case EAGAIN:
        return "sluice does not answer at " + shown +
               ": its queue has been full for 5 s; try again, and look at its log";
    case EPERM:
        return shown + " is held by a process that is not this container's sluice; name the socket "
                       "with --socket";
    default:
        return "cannot connect to " + shown + ": " + std::generic_category().message(error) +
               "; name sluice's socket with --socket";
    }
}

// Nobody listens there, as far as this error tells.
bool nobody(int error) {
    return error == ENOENT || error == ECONNREFUSED || error == ENOTDIR;
}

std::string nobody_at(const Places& places) {
    std::string list;
    for (const auto& address : places.addresses) {
        list += (list.empty() ? "" : " or ") + config::shown(address);
    }
    const auto what = list.empty() ? "" : "no sluice listens at " + list + "; ";
    if (!places.problem.empty()) return what + places.problem;
    return what + "see that one runs here and what its control.socket is, or name its socket with "
                  "--socket";
}

// The first of the places where somebody listens; or a sentence.
std::variant<Connection, std::string> connect(const Places& places) {
    for (const auto& address : places.addresses) {
        auto opened = Connection::open(address);
        if (auto* const connection = std::get_if<Connection>(&opened)) {
            return std::move(*connection);
        }
        const int error = std::get<int>(opened);
        if (!nobody(error)) return why_not(address, error);
    }
    return nobody_at(places);
}

int senseless(const std::string& line) {
    return cannot_ask("the answer makes no sense: " + config::quoted(line) +
                      "; see that what listens there is sluice, of this version");
}

// The conversation after the request was sent.
class Listener {
  public:
    Listener(Request request, Form form, Connection connection)
        : request_(request),
          form_(form),
          connection_(std::move(connection)),
          progress_(::isatty(STDOUT_FILENO) != 0) {
        if (request != Request::reload_wait) deadline_ = Clock::now() + patience;
    }

    int listen() {
        std::string line;
        for (;;) {
            switch (connection_.read_line(until(), line)) {
            case Connection::Got::end:
                progress_.clear();
                return cannot_ask("sluice closed the connection before it had answered; see its "
                                  "log");
            case Connection::Got::nothing_yet:
                if (deadline_ && Clock::now() >= *deadline_) {
                    return cannot_ask("sluice has not answered within " +
                                      std::to_string(patience.count()) + " s; see its log");
                }
                progress_.tick();
                break;
            case Connection::Got::line:
                if (const auto status = handle(line)) return *status;
                break;
            }
        }
    }

  private:
    std::optional<Connection::Time> until() const {
        return progress_.ticks() ? Clock::now() + between_ticks : deadline_;
    }

    // The exit status, if that was the end.
    std::optional<int> handle(const std::string& line) {
        const auto reply = parse_reply(line);
        const auto* const progress = reply ? std::get_if<Progress>(&*reply) : nullptr;
        if (progress != nullptr && request_ == Request::reload_wait) {
            progress_.show(*progress);
            return {};
        }
        progress_.clear();
        if (!reply || progress != nullptr) return senseless(line);
        if (const auto* const failure = std::get_if<Failure>(&*reply)) {
            return cannot_ask("sluice takes no request: " + os::one_line(failure->text));
        }
        if (const auto* const status = std::get_if<Status>(&*reply)) {
            return request_ == Request::status ? show(*status) : senseless(line);
        }
        const auto& done = std::get<Done>(*reply);
        if (!done.text.empty()) put(done.ok ? stdout : stderr, os::one_line(done.text));
        return done.ok ? 0 : 1;
    }

    int show(const Status& status) const {
        const auto report = parse_report(status.json);
        if (!report) return senseless(status.json);
        if (form_ == Form::json) {
            put(stdout, status.json);
        } else {
            std::fputs(report_text(*report).c_str(), stdout);
        }
        return 0;
    }

    Request request_;
    Form form_;
    Connection connection_;
    std::optional<Connection::Time> deadline_;
    ProgressLine progress_;
};

} // namespace

int ask(Request request, const Places& places, Form form) {
    auto connected = connect(places);
    if (const auto* const why = std::get_if<std::string>(&connected)) return cannot_ask(*why);
    auto connection = std::get<Connection>(std::move(connected));
    // Where it fails sluice may already have said why it takes no request.
    static_cast<void>(connection.send(encode_request(request)));
    return Listener(request, form, std::move(connection)).listen();
}

} // namespace sluice::control
