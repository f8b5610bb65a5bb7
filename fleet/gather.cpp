#include "fleet/gather.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "config/quote.h"
#include "fleet/engine/answers.h"

namespace sluice::fleet {

namespace {

using Answer = std::variant<std::string, Trouble>;

constexpr std::size_t most_named = 10;

class Gathering : public std::enable_shared_from_this<Gathering> {
  public:
    Gathering(Engine& engine, Choice choice, std::function<void(Gathered)> on_gathered)
        : engine_(engine), choice_(std::move(choice)), on_gathered_(std::move(on_gathered)) {}

    void start() {
        engine_.get("/containers/json",
                    [self = shared_from_this()](const Answer& answer) { self->list(answer); });
    }

  private:
    void list(const Answer& answer) {
        if (const auto* const trouble = std::get_if<Trouble>(&answer)) return end(trouble->text);
        const auto all = parse_list(std::get<std::string>(answer));
        if (!all) return end("the Engine's list of containers makes no sense");
        open_ = 1;
        for (const auto& one : *all) {
            if (matches(choice_, one)) inspect(one);
        }
        answered();
    }

    void inspect(const Listed& listed) {
        ++open_;
        engine_.get("/containers/" + listed.id + "/json",
                    [self = shared_from_this()](const Answer& answer) { self->inspected(answer); });
    }

    void inspected(const Answer& answer) {
        if (const auto* const trouble = std::get_if<Trouble>(&answer)) {
            // One that has gone since it was listed is not running.
            if (trouble->status != 404) trouble_ = trouble->text;
            return answered();
        }
        auto container = parse_container(std::get<std::string>(answer));
        if (!container) {
            trouble_ = "the Engine's answer about a container makes no sense";
            return answered();
        }
        if (const auto known = started_with_sluice(*container)) {
            take(*std::move(container), *known);
            return answered();
        }
        ask_processes(*container);
    }

    void ask_processes(const Container& container) {
        engine_.get("/containers/" + container.id + "/top?ps_args=-o%20pid,args",
                    [self = shared_from_this(), container](const Answer& answer) {
                        const auto* const text = std::get_if<std::string>(&answer);
                        const auto processes = text != nullptr ? parse_top(*text) : std::nullopt;
                        self->take(container, processes && runs_sluice(container, *processes));
                        self->answered();
                    });
    }

    void take(Container container, bool sluice) {
        if (sluice) {
            chosen_.push_back(std::move(container));
        } else if (!choice_.empty()) {
            others_.push_back(container.name);
        }
    }

    void answered() {
        if (--open_ > 0) return;
        if (!trouble_.empty()) return end(trouble_);
        if (!others_.empty()) return end(refusal());
        if (chosen_.empty()) {
            return end(choice_.empty() ? "no container runs here whose first process is sluice"
                                       : "no running container matches " + in_words(choice_));
        }
        std::ranges::sort(chosen_, {}, &Container::name);
        end(std::move(chosen_));
    }

    std::string refusal() {
        std::ranges::sort(others_);
        std::string names;
        for (std::size_t at = 0; at < std::min(others_.size(), most_named); ++at) {
            names += (at == 0 ? "" : ", ") + config::shown(others_[at]);
        }
        if (others_.size() > most_named) {
            names += " and " + std::to_string(others_.size() - most_named) + " more";
        }
        return "nothing was done, for the first process of " + names +
               " is not sluice; choose others with --name, --label or --project";
    }

    void end(Gathered gathered) const { on_gathered_(std::move(gathered)); }

    Engine& engine_;
    Choice choice_;
    std::function<void(Gathered)> on_gathered_;
    std::vector<Container> chosen_;
    std::vector<std::string> others_; // chosen by the user, and no sluice
    std::string trouble_;
    std::size_t open_ = 0; // answers that are awaited
};

} // namespace

void gather(Engine& engine, const Choice& choice, std::function<void(Gathered)> on_gathered) {
    std::make_shared<Gathering>(engine, choice, std::move(on_gathered))->start();
}

} // namespace sluice::fleet
