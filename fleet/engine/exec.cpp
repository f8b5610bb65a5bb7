#include "fleet/engine/exec.h"

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "fleet/engine/answers.h"
#include "fleet/engine/line_splitter.h"
#include "init/core/exit_status.h"
#include "init/core/words.h"
#include "init/os/json_text.h"

namespace sluice::fleet {

namespace {

using boost::system::error_code;
using Answer = std::variant<std::string, Trouble>;

// Between the end of the outputs and the Engine's knowing of the exit status.
constexpr std::chrono::milliseconds between_looks(20);
constexpr std::chrono::seconds patience_for_status(10);

class Exec : public std::enable_shared_from_this<Exec> {
  public:
    Exec(Engine& engine, Command command, ExecCalls calls)
        : engine_(engine),
          command_(std::move(command)),
          calls_(std::move(calls)),
          deadline_(engine.loop()),
          look_(engine.loop()),
          out_(command_.longest_line),
          err_(command_.longest_line) {}

    void start() {
        deadline_.expires_after(command_.limit);
        deadline_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) {
                self->end(
                    {.trouble = "it has not ended within " + core::in_words(self->command_.limit)});
            }
        });
        create();
    }

  private:
    void create() {
        auto words = command_.words;
        words.insert(words.begin(), command_.programs.at(program_));
        engine_.post("/containers/" + command_.container + "/exec", exec_body(words),
                     engine_patience,
                     [self = shared_from_this()](const Answer& answer) { self->created(answer); });
    }

    void created(const Answer& answer) {
        if (over_) return;
        if (const auto* const trouble = std::get_if<Trouble>(&answer)) return fail(*trouble);
        const auto id = parse_exec_id(std::get<std::string>(answer));
        if (!id) return end({.trouble = "the Engine's answer to an exec makes no sense"});
        id_ = *id;
        frames_ = {};
        // We own the stream, so it must not own us: what is awaited for the deadline does.
        const auto weak = weak_from_this();
        const auto on_bytes = [weak](std::string_view bytes) {
            if (const auto self = weak.lock()) self->take(bytes);
        };
        const auto on_end = [weak](const Trouble& why) {
            if (const auto self = weak.lock()) self->cut(why);
        };
        stream_ = engine_.start_exec(id_, {.on_bytes = on_bytes, .on_end = on_end});
    }

    void take(std::string_view bytes) {
        const bool sound = frames_.take(bytes, [this](Channel channel, std::string_view piece) {
            auto& splitter = channel == Channel::out ? out_ : err_;
            for (const auto& line : splitter.take(piece)) tell(channel, line);
        });
        if (!sound) end({.trouble = "what the Engine passes on of the command is no such stream"});
    }

    void tell(Channel channel, const std::string& line) {
        if (line.empty()) return;
        last_line_ = line;
        if (!over_ && calls_.on_line) calls_.on_line(channel, line);
    }

    void cut(const Trouble& why) {
        if (over_) return;
        tell(Channel::out, out_.rest());
        tell(Channel::err, err_.rest());
        if (!why.text.empty() || !frames_.whole()) {
            return fail(why.text.empty() ? Trouble{"the Engine's stream was cut"} : why);
        }
        until_ = std::chrono::steady_clock::now() + patience_for_status;
        ask_status();
    }

    void ask_status() {
        engine_.get("/exec/" + id_ + "/json", [self = shared_from_this()](const Answer& answer) {
            self->has_status(answer);
        });
    }

    void has_status(const Answer& answer) {
        if (over_) return;
        if (const auto* const trouble = std::get_if<Trouble>(&answer)) return fail(*trouble);
        const auto state = parse_exec(std::get<std::string>(answer));
        if (!state) return end({.trouble = "the Engine's answer about an exec makes no sense"});
        if (state->running && std::chrono::steady_clock::now() < until_) {
            look_.expires_after(between_looks);
            look_.async_wait([self = shared_from_this()](const error_code& error) {
                if (!error && !self->over_) self->ask_status();
            });
            return;
        }
        if (state->running || !state->exit_code) {
            return end({.trouble = "its connection was cut, and it goes on"});
        }
        ended(*state->exit_code);
    }

    void ended(int exit_code) {
        const bool not_started =
            exit_code == core::exit_not_executable || exit_code == core::exit_not_found;
        if (!not_started) return end({.exit_code = exit_code});
        if (++program_ < command_.programs.size()) return create();
        end({.trouble =
                 "sluice cannot be executed there: " + os::one_line(last_line_.substr(0, 500))});
    }

    void fail(const Trouble& trouble) { end({.trouble = trouble.text, .status = trouble.status}); }

    void end(ExecEnd how) {
        if (std::exchange(over_, true)) return;
        deadline_.cancel();
        look_.cancel();
        if (stream_) stream_->close();
        const auto calls = std::exchange(calls_, {});
        calls.on_end(std::move(how));
    }

    Engine& engine_;
    Command command_;
    std::size_t program_ = 0;
    ExecCalls calls_;
    boost::asio::steady_timer deadline_;
    boost::asio::steady_timer look_;
    std::chrono::steady_clock::time_point until_;
    std::string id_;
    std::shared_ptr<HttpStream> stream_;
    Frames frames_;
    LineSplitter out_;
    LineSplitter err_;
    std::string last_line_;
    bool over_ = false;
};

} // namespace

void execute(Engine& engine, Command command, ExecCalls calls) {
    std::make_shared<Exec>(engine, std::move(command), std::move(calls))->start();
}

} // namespace sluice::fleet
