#include "init/renewal.h"

#include <sys/wait.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

#include "config/load.h"
#include "init/core/words.h"
#include "init/fpm/config_check.h"
#include "init/os/program.h"

namespace sluice {

namespace {

using End = os::Captured::End;

// Of what a check has written, the end is what counts.
constexpr std::size_t most_quoted = 500;

std::string last_of(const std::string& output) {
    const auto from = output.size() > most_quoted ? output.size() - most_quoted : 0;
    auto text = output.substr(from);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    std::ranges::replace(text, '\n', ' ');
    return text.empty() ? "it wrote nothing" : text;
}

std::string in_one_line(const std::vector<std::string>& command) {
    std::string line;
    for (const auto& word : command) {
        if (!line.empty()) line += ' ';
        line += word;
    }
    return line;
}

// Empty: it succeeded.
std::string failure_of(const os::Captured& captured, const std::string& what,
                       std::chrono::milliseconds limit) {
    switch (captured.end) {
    case End::exited: break;
    case End::not_started: return os::describe_failure(captured.failure, what);
    case End::too_slow: return what + " did not end within " + core::in_words(limit);
    case End::asked_to_stop: return what + " was given up";
    }
    if (captured.wait_status == 0) return {};
    const bool killed =
        WIFSIGNALED(captured.wait_status) && WTERMSIG(captured.wait_status) == SIGKILL;
    return what + " " + core::describe_end(captured.wait_status) +
           (killed ? " (as the kernel does where memory runs out)" : "");
}

} // namespace

Renewal::Renewal(boost::asio::io_context& loop, const Sources& sources, Before before, Done done)
    : loop_(loop),
      sources_(sources),
      before_(std::move(before)),
      done_(std::make_shared<Done>(std::move(done))) {
    attempt([this] { read(); });
}

// What cannot be had for the next generation (memory, descriptors) must not cost the live one
// anything.
template <typename Step>
void Renewal::attempt(Step step) {
    try {
        step();
    } catch (const std::exception& error) {
        refuse(std::string("the next generation cannot be made: ") + error.what() +
               "; see the container's limits of memory and open files");
    }
}

bool Renewal::ended(pid_t pid, int wait_status) {
    if (!child_ || pid < 0 || child_->pid() != pid) return false;
    child_->ended(wait_status);
    return true;
}

void Renewal::refuse(std::string why) {
    result_.refused = std::move(why);
    finish();
}

// Later, from the loop, and not if this object has gone: whoever is told may destroy it.
void Renewal::finish() {
    boost::asio::post(loop_, [done = std::weak_ptr(done_),
                              result = std::make_shared<Renewed>(std::move(result_))] {
        if (const auto still_there = done.lock()) (*still_there)(std::move(*result));
    });
}

void Renewal::read() {
    const auto& live = before_.settings;
    config::Problems problems;
    const auto file = config::find_file(sources_.config, sources_.variables, problems);
    auto loaded = config::load(file, sources_.variables);
    problems.insert(problems.end(), loaded.problems.begin(), loaded.problems.end());
    std::string errors;
    // Taken for "all defaults" it would drop reload.release, the checks and the warm-up at once;
    // and there is none for a moment wherever a file is not replaced by renaming another over it.
    if (!file && problems.empty() && !live.file.empty()) {
        errors = live.file + ": it was there before, and is gone: put it back, or restart the "
                             "container to run without it";
    }
    for (const auto& problem : problems) {
        if (problem.warning) continue;
        errors += (errors.empty() ? "" : "; ") + config::to_text(problem);
    }
    if (!errors.empty()) {
        refuse("the configuration: " + errors);
        return;
    }
    result_.settings = std::move(loaded.settings);
    const auto keep = [&](auto& mine, const auto& theirs, const char* key) {
        if (mine == theirs) return;
        mine = theirs;
        result_.notices.push_back(std::string(key) +
                                  " cannot change while sluice runs and keeps its value: restart "
                                  "the container for it");
    };
    keep(result_.settings.service.command, live.service.command, "service.command");
    keep(result_.settings.service.kind, live.service.kind, "service.kind");
    keep(result_.settings.control.socket, live.control.socket, "control.socket");
    keep(result_.settings.log.format, live.log.format, "log.format");
    auto release = resolve_release(result_.settings.reload.release);
    if (const auto* const why = std::get_if<std::string>(&release)) {
        refuse(*why);
        return;
    }
    release_ = std::get<0>(std::move(release));
    look_for_room();
}

void Renewal::look_for_room() {
    if (before_.no_room.empty()) {
        check();
        return;
    }
    switch (result_.settings.reload.low_memory) {
    case config::LowMemory::refuse: refuse(before_.no_room); return;
    case config::LowMemory::proceed:
        result_.notices.push_back(before_.no_room + "; going on (reload.low_memory = \"proceed\")");
        check();
        return;
    case config::LowMemory::signal:
        if (before_.snapshot) {
            refuse(before_.no_room +
                   "; PHP-FPM cannot reload by itself either, for it runs from a copy of its "
                   "configuration that was made before reload.low_memory was \"signal\": restart "
                   "the container");
            return;
        }
        result_.notices.push_back(before_.no_room +
                                  "; FPM reloads by itself (reload.low_memory = \"signal\")");
        result_.by_signal = true;
        check();
        return;
    }
}

void Renewal::check() {
    const auto& checks = result_.settings.reload.checks;
    if (checked_ == checks.size()) {
        ask_fpm();
        return;
    }
    const auto& next = checks[checked_];
    os::Launch launch{.path =
                          os::find_program(next.command.front(), sources_.fpm->search_path).path,
                      .command = next.command,
                      .environment = sources_.fpm->environment,
                      .first_victim = true};
    if (release_) {
        launch.folder = release_->folder;
        launch.environment.push_back("SLUICE_RELEASE=" + release_->folder);
    }
    child_.emplace(loop_, std::move(launch), next.timeout, [this](const os::Captured& captured) {
        attempt([&] { judge_check(captured); });
    });
}

void Renewal::judge_check(const os::Captured& captured) {
    const auto& check = result_.settings.reload.checks[checked_];
    const auto failure = failure_of(captured,
                                    "reload.check[" + std::to_string(checked_ + 1) + "] (" +
                                        in_one_line(check.command) + ")",
                                    check.timeout);
    if (!failure.empty()) {
        refuse(failure + ": " + last_of(captured.output));
        return;
    }
    ++checked_;
    this->check();
}

void Renewal::ask_fpm() {
    ask_fpm(have_fpm_tell(*sources_.fpm, *sources_.fpm->config));
}

void Renewal::ask_fpm(std::optional<Telling> telling) {
    if (!telling) {
        refuse(*sources_.fpm->config + " cannot be included by another file");
        return;
    }
    telling_ = std::move(telling);
    telling_->launch.first_victim = true;
    child_.emplace(loop_, telling_->launch, check_limit,
                   [this](const os::Captured& captured) { attempt([&] { judge_fpm(captured); }); });
}

void Renewal::judge_fpm(const os::Captured& captured) {
    if (auto next = ask_again(*sources_.fpm, *sources_.fpm->config, *telling_, captured)) {
        ask_fpm(std::move(next));
        return;
    }
    const auto failure = failure_of(captured, sources_.fpm->service.program + " -t", check_limit);
    if (failure.empty()) {
        make(understand(*std::move(telling_), captured));
    } else {
        const auto complaints = fpm::complaints_in(captured.output);
        refuse(complaints.empty() ? failure : failure + ": " + complaints);
    }
}

// A web server that resolves the link itself leads the old generation's requests to the new
// release.
void Renewal::warn_of_absolute_paths() {
    if (!release_) return;
    for (const auto& pool : before_.pools) {
        for (const auto& worker : pool.workers) {
            if (!worker.script.starts_with(release_->link + '/') &&
                !(before_.release.size() > 1 && worker.script.starts_with(before_.release + '/'))) {
                continue;
            }
            result_.notices.push_back(
                "reload.release does not protect users: the web server passes whole paths (" +
                worker.script + "), which lead the old generation to the new release too; pass " +
                "them relative to the release (SCRIPT_FILENAME public$fastcgi_script_name)");
            return;
        }
    }
}

// Nobody is to wait for a pool to grow to what the one before has.
std::map<std::string, int> Renewal::workers_of(const std::vector<fpm::Pool>& pools,
                                               const std::string& process_manager) const {
    std::map<std::string, int> workers;
    for (const auto& pool : pools) {
        const auto status = std::ranges::find(before_.pools, pool.name, &fpm::Status::pool);
        if (pool.pm != process_manager || status == before_.pools.end()) continue;
        const int count = fpm::workers_to_start_with(*status, pool);
        if (count > 0) workers[pool.name] = count;
    }
    return workers;
}

void Renewal::make(std::optional<Told> told) {
    if (!told) {
        refuse(sources_.fpm->service.program + " -tt did not say what it understood");
        return;
    }
    if (result_.by_signal) {
        finish();
        return;
    }
    const bool signals = result_.settings.reload.strategy == config::Strategy::signal;
    if (signals && !before_.snapshot) {
        result_.by_signal = true;
        finish();
        return;
    }
    const auto& call = *sources_.fpm;
    auto base = core::make_plan(config::Kind::php_fpm, {call.service.program}, result_.settings,
                                sources_.options);
    if (signals) {
        base.reload.strategy = before_.settings.reload.strategy;
        told->snapshot.reset();
        result_.notices.emplace_back("reload.strategy = \"signal\" counts from the next reload on: "
                                     "PHP-FPM runs from a copy of "
                                     "its configuration, which it would only read again");
    }
    auto made = make_fpm_generation(std::move(base), call, told,
                                    {.workers = workers_of(told->config.pools, "dynamic"),
                                     .release = release_,
                                     .fresh_files = true,
                                     .way_in = true},
                                    Purpose::run);
    made.head_start = workers_of(told->config.pools, "ondemand");
    if (made.plan.reload.strategy == config::Strategy::signal) {
        // It was so at the start, and said there; or a pool has come that cannot be owned.
        result_.by_signal = before_.by_signal;
        if (result_.by_signal) {
            finish();
        } else {
            refuse("sluice cannot own all of its sockets: " + in_one_line(made.plan.notices));
        }
        return;
    }
    if (auto why = wrong_pool_of_warmup(result_.settings, made)) {
        refuse(*std::move(why));
        return;
    }
    result_.notices.insert(result_.notices.end(), made.plan.notices.begin(),
                           made.plan.notices.end());
    warn_of_absolute_paths();
    result_.generation = std::move(made);
    finish();
}

} // namespace sluice
