#include "reload_site.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "isolation.h"
#include "processes.h"

namespace tests {

namespace {

namespace fs = std::filesystem;

std::string replaced(std::string text, const std::string& mark, const std::string& by) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
        text.replace(at, mark.size(), by);
        at += by.size();
    }
    return text;
}

// The names in a folder that begin with this or have it within.
void find_names(const fs::path& folder, const std::string& part, std::vector<std::string>& names) {
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(folder, gone)) {
        const auto name = entry.path().filename().string();
        if (name.find(part) != std::string::npos) names.push_back(name);
    }
}

std::string title_of(pid_t pid) {
    return read_file("/proc/" + std::to_string(pid) + "/cmdline");
}

} // namespace

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

ReloadSite::ReloadSite(bool by_path, const Release& first, const Around& around)
    : site_(FpmLines{.pool = "env[GENERATION] = @generation@", .by_path = by_path}),
      fpm_(read_file(site_.config())) {
    folder().write("app/who.php", "<?php echo getenv('GENERATION');\n");
    publish(first);
    auto command = site_.command();
    command.insert(command.begin(), folder().path("bin/wrapper"));
    Launch launch{.command = command,
                  .options = {"--config", folder().path("sluice.toml")},
                  .environment = around.environment,
                  .under = around.under};
    // Others use /run, too, and what is looked at is whether a folder of ours stays there.
    if (::geteuid() == 0) launch.before_exec = empty_scratch_folders;
    if (around.prepare) around.prepare(site_);
    if (around.before_exec) launch.before_exec = [&] { around.before_exec(site_); };
    sluice_ = std::make_unique<Sluice>(launch);
    REQUIRE(sluice_->logs("php-fpm8.2 answers"));
    const auto run = "/proc/" + std::to_string(sluice_->pid()) + "/root/run";
    run_ = Descriptor(::open(run.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

void ReloadSite::publish(const Release& release) const {
    folder().write("php-fpm.conf", replaced(fpm_, "@generation@", release.name) + "\n[www]\n" +
                                       site_.fill_in(release.fpm) + "\n");
    folder().write("sluice.toml", site_.fill_in("[control]\nsocket = \"@folder@/control.sock\"\n" +
                                                release.sluice));
}

void ReloadSite::start_fpm_after(const std::string& script) const {
    // In the place of the old one, which may be executed.
    folder().write("bin/next-wrapper", "#!/bin/sh\n" + site_.fill_in(script) + "\nexec \"$@\"\n",
                   0755);
    fs::rename(folder().path("bin/next-wrapper"), folder().path("bin/wrapper"));
}

std::unique_ptr<ChildProcess> ReloadSite::client(const std::vector<std::string>& words) const {
    std::vector<std::string> command{sluice_program()};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"--socket", folder().path("control.sock")});
    return std::make_unique<ChildProcess>(ChildProcess::Start{command, {}, {}});
}

ReloadSite::Told ReloadSite::end_of(ChildProcess& client) {
    const auto status = client.wait();
    const bool exited = status && WIFEXITED(*status);
    return {exited ? WEXITSTATUS(*status) : -1, client.out() + client.err()};
}

ReloadSite::Told ReloadSite::tell(const std::vector<std::string>& words) const {
    return end_of(*client(words));
}

std::vector<pid_t> ReloadSite::masters() {
    auto found = children_of(sluice_->pid());
    std::erase_if(found, [](pid_t pid) { return !contains(title_of(pid), "master process"); });
    // Not by pid: those begin anew.
    std::ranges::sort(found, {}, [](pid_t pid) {
        const auto process = state_of(pid);
        return process ? process->started : 0;
    });
    return found;
}

std::string ReloadSite::Footprint::text() const {
    std::string text = std::to_string(descriptors) + " descriptors, " + std::to_string(processes) +
                       " processes, sockets";
    for (const auto& name : sockets) text += " " + name;
    return text;
}

ReloadSite::Footprint ReloadSite::footprint() {
    Footprint found;
    const auto proc = "/proc/" + std::to_string(sluice_->pid());
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(proc + "/fd", gone)) {
        if (!entry.path().empty()) ++found.descriptors;
    }
    for (const pid_t pid : descendants_of(sluice_->pid())) {
        if (!contains(title_of(pid), "_status")) ++found.processes;
    }
    find_names(folder().path("marks"), ".sluice-", found.sockets);
    if (::geteuid() == 0) find_names(proc + "/root/run", "sluice", found.sockets);
    return found;
}

ReloadSite::Footprint ReloadSite::footprint_after_reload() {
    REQUIRE(reload().status == 0);
    REQUIRE(eventually([&] { return masters().size() == 1; }));
    REQUIRE(!contains(status(), "retiring"));
    return footprint();
}

bool ReloadSite::is_down_to(const Footprint& before) {
    return eventually([&] {
        const auto now = footprint();
        return now.descriptors <= before.descriptors && now.processes <= before.processes &&
               now.sockets.size() <= before.sockets.size();
    });
}

std::string ReloadSite::left_behind() const {
    std::vector<std::string> names;
    find_names(folder().path("marks"), ".sluice-", names);
    find_names(folder().path("marks"), "fpm.sock", names);
    find_names(folder().path(), "control.sock", names);
    if (::geteuid() == 0) {
        find_names("/proc/self/fd/" + std::to_string(run_.get()), "sluice", names);
    }
    reap_adopted();
    for (const pid_t pid : descendants_of(::getpid())) names.push_back(title_of(pid));
    std::string text;
    for (const auto& name : names) text += name + ", ";
    return text;
}

} // namespace tests
