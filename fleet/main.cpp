#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <utility>

#include "config/quote.h"
#include "fleet/carry_out.h"
#include "fleet/engine/endpoint.h"
#include "fleet/engine/engine.h"
#include "fleet/gather.h"
#include "fleet/options.h"
#include "fleet/reload.h"
#include "fleet/restart.h"
#include "fleet/status.h"
#include "init/core/exit_status.h"

namespace sluice::fleet {

namespace {

// 40 containers on two cores take no less with more, and each that runs has two generations in
// memory.
constexpr std::size_t usual_parallel_reloads = 8;
constexpr std::chrono::seconds status_patience(10);

int cannot(const std::string& why) {
    std::fprintf(stderr, "sluice-fleet: %s\n", why.c_str());
    return core::exit_own_error;
}

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

// The canary first; a sentence where there is none of that name.
std::optional<std::string> put_canary_first(std::vector<Container>& containers,
                                            const std::string& name) {
    if (name.empty()) return {};
    const auto found = std::ranges::find(containers, name, &Container::name);
    if (found == containers.end()) {
        return "--canary: " + config::quoted(name) + " is none of those that are chosen (" +
               config::shown(containers.front().name) + (containers.size() > 1 ? ", ..." : "") +
               ")";
    }
    std::rotate(containers.begin(), found, found + 1);
    return {};
}

std::vector<Container> in_order(std::vector<Container> containers, std::size_t parallel) {
    std::vector<Container> ordered{containers.front()};
    for (const auto at : spread(containers.size() - 1, parallel)) {
        ordered.push_back(std::move(containers.at(at + 1)));
    }
    return ordered;
}

Task task_of(const Options& options, Engine& engine) {
    const auto limit = options.timeout;
    if (options.task == Options::Task::reload) {
        return {.name = "reload",
                .left = "its reload goes on in the container",
                .begin = [&engine, limit](const auto& container, auto on_step, auto on_outcome) {
                    reload(engine, container, limit, std::move(on_step), std::move(on_outcome));
                }};
    }
    return {.name = "restart",
            .counts_cut = true,
            .left = "the Engine goes on restarting it; see that it is up",
            .begin = [&engine, limit](const auto& container, auto on_step, auto on_outcome) {
                restart(engine, container, limit, std::move(on_step), std::move(on_outcome));
            }};
}

int show_node(boost::asio::io_context& loop, Engine& engine,
              const std::vector<Container>& containers, bool json) {
    const auto rows = ask_node(loop, engine, containers, status_patience);
    std::fputs((json ? node_json(rows) : node_text(rows)).c_str(), stdout);
    return std::ranges::all_of(rows, [](const auto& row) { return row.report.has_value(); }) ? 0
                                                                                             : 1;
}

int roll_out(boost::asio::io_context& loop, Engine& engine, std::vector<Container> containers,
             const Options& options) {
    if (const auto problem = put_canary_first(containers, options.canary)) return cannot(*problem);
    const bool restarts = options.task == Options::Task::restart;
    const auto usual = restarts ? careful_parallel(containers.size()) : usual_parallel_reloads;
    const auto parallel = options.parallel.value_or(usual);
    const auto ordered = in_order(std::move(containers), parallel);
    return carry_out(loop, task_of(options, engine), ordered,
                     {.count = ordered.size(),
                      .parallel = parallel,
                      .pause = options.pause,
                      .halt_at_failure = restarts},
                     Display(Display::form_of_stdout(options.json)));
}

int run(const Options& options) {
    const auto endpoint = parse_endpoint(variable("DOCKER_HOST"), variable("DOCKER_TLS_VERIFY"));
    if (const auto* const problem = std::get_if<std::string>(&endpoint)) return cannot(*problem);
    boost::asio::io_context loop(1);
    Engine engine(loop, std::get<Endpoint>(endpoint));
    Gathered gathered;
    gather(engine, options.choice, [&](Gathered found) { gathered = std::move(found); });
    loop.run();
    if (const auto* const problem = std::get_if<std::string>(&gathered)) return cannot(*problem);
    loop.restart();
    auto containers = std::get<std::vector<Container>>(std::move(gathered));
    if (options.task == Options::Task::status) {
        return show_node(loop, engine, containers, options.json);
    }
    return roll_out(loop, engine, std::move(containers), options);
}

int carry_out_options(const Options& options) {
    if (!options.problem.empty()) {
        const auto status = cannot(options.problem);
        std::fputs(options.text.c_str(), stderr);
        return status;
    }
    if (options.task != Options::Task::say) return run(options);
    std::fputs(options.text.c_str(), stdout);
    return 0;
}

} // namespace

} // namespace sluice::fleet

int main(int argc, char** argv) {
    try {
        // Who reads the progress may go away; the roll-out goes on.
        std::signal(SIGPIPE, SIG_IGN);
        return sluice::fleet::carry_out_options(sluice::fleet::parse_options(argc, argv));
    } catch (const std::exception& error) {
        return sluice::fleet::cannot(error.what());
    }
}
