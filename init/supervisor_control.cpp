#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "init/control/reply.h"
#include "init/core/words.h"
#include "init/os/log.h"
#include "init/supervisor.h"
#include "init/version.h"

// What is asked for over the control socket.

namespace sluice {

using control::Done;
using control::Request;
using core::Level;
using core::Report;
using core::Which;
using std::chrono::milliseconds;

namespace {

using Client = std::shared_ptr<control::Session>;

void answer(const Client& client, const control::Reply& reply) {
    client->line(encode_reply(reply));
    client->end();
}

constexpr std::size_t most_requests = 5; // that are named

milliseconds since(core::TimePoint moment, core::TimePoint now) {
    return std::chrono::duration_cast<milliseconds>(now - moment);
}

std::string described(const fpm::Worker& worker) {
    auto text = worker.method;
    if (!text.empty()) text += ' ';
    text += worker.uri.empty() ? worker.script : worker.uri;
    return text + ", " + core::in_words(worker.duration);
}

void add_workers(const std::optional<std::vector<fpm::Status>>& pools,
                 Report::Generation& generation) {
    if (!pools) return;
    generation.workers = generation.busy = generation.in_flight = 0;
    for (const auto& pool : *pools) {
        for (const auto& worker : pool.workers) {
            ++*generation.workers;
            const bool waits = worker.state == fpm::State::reading_headers;
            if (worker.state == fpm::State::idle) continue;
            ++*generation.busy;
            if (waits) continue;
            ++*generation.in_flight;
            if (generation.requests.size() < most_requests) {
                generation.requests.push_back(described(worker));
            }
        }
    }
}

} // namespace

// A plain service gets none unless it was asked for: there is nothing to control.
void Supervisor::open_control() {
    const auto& wanted = settings_.control.socket;
    if (plan().kind == config::Kind::plain && !wanted) return;
    control_.emplace(
        loop_, [this](Request request, const Client& client) { on_request(request, client); });
    if (auto trouble = control_->open(wanted)) {
        os::log(Level::warning,
                *trouble + "; `sluice status`, `reload`, `stop` and `health` do not reach this one",
                {{"event", "no_control"}});
    } else {
        os::log(Level::debug, "control socket: " + control_->address(),
                {{"event", "control"}, {"address", control_->address()}});
    }
}

void Supervisor::on_request(Request request, const Client& client) {
    switch (request) {
    case Request::reload: {
        feed(core::ReloadAsked{.by = "sluice reload"});
        const bool possible = plan().reload_signal && lifecycle_.state() != core::State::draining;
        answer(client, Done{.ok = possible,
                            .text = possible ? "the reload was asked for; `sluice status` tells "
                                               "what became of it"
                                             : "reload refused: see the log"});
        break;
    }
    case Request::reload_wait:
        if (!reloads_.ask(client)) {
            answer(client,
                   Done{.ok = false,
                        .text = "reload refused: " + std::to_string(ReloadLog::most_waiting) +
                                " clients wait for one already; end some of them"});
            break;
        }
        feed(core::ReloadAsked{.by = "sluice reload"});
        break;
    case Request::status:
        ask_pools(loop_, live_->parts.status.pages(), old_ ? old_pages() : PagesOfPools{},
                  [this, client](const PoolStatuses& statuses) {
                      client->line(control::encode_status(report(statuses)));
                      client->end();
                  });
        break;
    case Request::stop:
    case Request::stop_now:
        feed(core::DrainAsked{.signal = SIGTERM,
                              .sender = client->peer().pid,
                              .by_client = true,
                              .now = request == Request::stop_now});
        answer(client, Done{.text = "stopping " + plan().name});
        break;
    case Request::health: {
        const bool well = lifecycle_.state() == core::State::running;
        answer(client, Done{.ok = well,
                            .text = plan().name + (well ? " serves" : " is not ready: ") +
                                    (well ? "" : core::to_string(lifecycle_.state()))});
        break;
    }
    }
    os::flush_log();
}

Supervisor::PagesOfPools Supervisor::old_pages() const {
    const auto& status = old_->parts.status;
    return status.all_private() ? status.pages() : PagesOfPools{};
}

core::Report Supervisor::report(const PoolStatuses& statuses) const {
    const auto moment = now();
    Report report{.version = version,
                  .service = plan().name,
                  .kind = core::to_string(plan().kind),
                  .state =
                      lifecycle_.reloading() ? "reloading" : core::to_string(lifecycle_.state()),
                  .uptime = since(began_, moment),
                  .last_reload = reloads_.last(moment),
                  .reload_waits = reloads_.another_waits(),
                  .notices = plan().notices};
    auto& live = report.generations.emplace_back(describe(Which::live, moment));
    add_workers(statuses.live, live);
    if (next_) report.generations.push_back(describe(Which::next, moment));
    if (old_ && lifecycle_.old_service()) { // else it has left orphans
        add_workers(statuses.old, report.generations.emplace_back(describe(Which::old, moment)));
    }
    add_pools(statuses, report);
    return report;
}

Report::Generation Supervisor::describe(Which which, core::TimePoint moment) const {
    const auto& working = which == Which::live ? *live_ : which == Which::next ? *next_ : *old_;
    const auto role = which == Which::live   ? Report::Generation::Role::live
                      : which == Which::next ? Report::Generation::Role::next
                                             : Report::Generation::Role::retiring;
    return {.number = lifecycle_.generation(which),
            .role = role,
            .pid = master_of(which).value_or(0),
            .age = since(working.since, moment),
            .release = working.parts.plan.release,
            .queued = which == Which::next ? std::nullopt
                                           : std::optional(intake_.queued(which == Which::old))};
}

void Supervisor::add_pools(const PoolStatuses& statuses, Report& report) const {
    for (const auto& pool : live_->parts.pools) {
        auto& row = report.pools.emplace_back(Report::Pool{
            .name = pool.name, .listen = pool.listen, .queue = intake_.queued_of(pool.name)});
        if (pool.max_children > 0) row.max_children = pool.max_children;
        if (!statuses.live) continue;
        const auto status = std::ranges::find(*statuses.live, pool.name, &fpm::Status::pool);
        if (status == statuses.live->end()) continue;
        row.idle = status->idle;
        row.busy = status->active;
    }
}

} // namespace sluice
