#include "fleet/ask/ask.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <utility>

#include "fleet/ask/reach.h"
#include "fleet/choice.h"
#include "fleet/engine/line_splitter.h"
#include "init/control/reply.h"
#include "init/core/exit_status.h"
#include "init/core/words.h"

namespace sluice::fleet {

namespace {

using boost::system::error_code;

std::vector<std::string> command_for(control::Request request) {
    switch (request) {
    case control::Request::reload_wait: return {"reload", "--wait"};
    case control::Request::status: return {"status", "--json"};
    case control::Request::health: return {"health"};
    case control::Request::reload:
    case control::Request::stop:
    case control::Request::stop_now: break;
    }
    return {};
}

class Asking : public std::enable_shared_from_this<Asking> {
  public:
    Asking(Engine& engine, Container container, Question question, ExecCalls calls)
        : engine_(engine),
          container_(std::move(container)),
          question_(question),
          calls_(std::move(calls)),
          deadline_(engine.loop(), question.limit),
          socket_(engine.loop()),
          lines_(question.longest_line) {}

    void start() {
        if (!asks_directly(engine_, container_)) return by_command();
        deadline_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) self->too_late();
        });
        reach(engine_.loop(), container_,
              [self = shared_from_this()](const Reached& reached) { self->reached(reached); });
    }

  private:
    void reached(const Reached& reached) {
        if (over_) return;
        if (reached.nobody && question_.just_started) {
            return end({.trouble = "no sluice listens in it yet", .direct = true});
        }
        error_code error;
        const auto& socket = reached.socket;
        const int own = socket ? ::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0) : -1;
        if (own >= 0) socket_.assign(boost::asio::local::stream_protocol(), own, error);
        if (own < 0 || error) return by_command();
        request_ = control::encode_request(question_.request);
        boost::asio::async_write(socket_, boost::asio::buffer(request_),
                                 [self = shared_from_this()](const error_code&, std::size_t) {
                                     // Where it fails sluice may already have said why.
                                     self->read();
                                 });
    }

    void read() {
        if (over_) return;
        socket_.async_read_some(boost::asio::buffer(piece_),
                                [self = shared_from_this()](const error_code& error, auto size) {
                                    self->take({self->piece_.data(), error ? 0 : size});
                                });
    }

    void take(std::string_view bytes) {
        if (over_) return;
        if (bytes.empty()) {
            return give_up("sluice closed the connection before it had answered; see its log");
        }
        for (const auto& line : lines_.take(bytes)) {
            if (!over_) handle(line);
        }
        read();
    }

    void handle(const std::string& line) {
        const auto reply = control::parse_reply(line);
        if (!reply) return give_up("the answer makes no sense: is it sluice of this version?");
        // A command may be allowed what we are not: it is of the container's own user.
        const bool first = !std::exchange(heard_, true);
        if (const auto* const failure = std::get_if<control::Failure>(&*reply)) {
            return first ? by_command() : give_up("sluice takes no request: " + failure->text);
        }
        if (const auto* const progress = std::get_if<control::Progress>(&*reply)) {
            return tell(Channel::out, line_of(*progress));
        }
        if (const auto* const status = std::get_if<control::Status>(&*reply)) {
            tell(Channel::out, status->json);
            return end({.exit_code = 0, .direct = true});
        }
        const auto& done = std::get<control::Done>(*reply);
        tell(done.ok ? Channel::out : Channel::err, done.text);
        end({.exit_code = done.ok ? 0 : 1, .direct = true});
    }

    // As the command writes it; empty where it writes nothing.
    static std::string line_of(const control::Progress& progress) {
        const auto& text = progress.text;
        if (progress.state == control::Progress::State::begins) {
            return text.empty() ? "" : progress.step + ": " + text;
        }
        return progress.step + ": " + core::in_words(progress.took) +
               (text.empty() ? "" : ", " + text);
    }

    void tell(Channel channel, const std::string& line) const {
        if (!line.empty() && calls_.on_line) calls_.on_line(channel, line);
    }

    void give_up(const std::string& why) {
        tell(Channel::err, why);
        end({.exit_code = core::exit_own_error, .direct = true});
    }

    void too_late() {
        end({.trouble = "it has not ended within " + core::in_words(question_.limit),
             .direct = true});
    }

    void by_command() {
        if (!leave()) return;
        execute(engine_,
                {.container = container_.id,
                 .programs = programs(container_),
                 .words = command_for(question_.request),
                 .limit = question_.limit, // anew: what has passed is at most reach()'s 2 s
                 .longest_line = question_.longest_line},
                std::exchange(calls_, {}));
    }

    void end(ExecEnd how) {
        if (!leave()) return;
        const auto calls = std::exchange(calls_, {});
        calls.on_end(std::move(how));
    }

    // False if that was done before.
    bool leave() {
        if (std::exchange(over_, true)) return false;
        deadline_.cancel();
        error_code ignored;
        socket_.close(ignored);
        return true;
    }

    Engine& engine_;
    Container container_;
    Question question_;
    ExecCalls calls_;
    boost::asio::steady_timer deadline_;
    boost::asio::local::stream_protocol::socket socket_;
    std::string request_;
    std::array<char, (16U << 10U)> piece_{};
    LineSplitter lines_;
    bool heard_ = false;
    bool over_ = false;
};

} // namespace

bool asks_directly(const Engine& engine, const Container& container) {
    // One that is paused answers nobody, and the Engine says so at once.
    return ::geteuid() == 0 && engine.is_local() && container.running() && container.first_is_pid_1;
}

void ask_sluice(Engine& engine, const Container& container, Question question, ExecCalls calls) {
    std::make_shared<Asking>(engine, container, question, std::move(calls))->start();
}

} // namespace sluice::fleet
