#include "served_site.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <filesystem>

#include "child_process.h"

namespace tests {

ServedSite::ServedSite(const FpmLines& lines, const std::string& config) : FpmSite(lines) {
    folder().write("app/who.php", "<?php echo posix_getppid();\n");
    configure(config);
}

void ServedSite::configure(const std::string& config) const {
    const bool chosen = has_part(config, "control.socket");
    folder().write("sluice.toml",
                   (chosen ? "" : "control.socket = \"" + socket() + "\"\n") + fill_in(config));
}

void ServedSite::change(const std::string& old, const std::string& text) const {
    auto all = read_file(config());
    const auto from = fill_in(old);
    const auto at = all.find(from);
    REQUIRE_MESSAGE(at != std::string::npos, from);
    folder().write("php-fpm.conf", all.replace(at, from.size(), fill_in(text)));
}

void ServedSite::append(const std::string& text) const {
    folder().write("php-fpm.conf", read_file(config()) + fill_in(text));
}

Launch ServedSite::launch(Mode mode) const {
    return {
        .command = command(), .mode = mode, .options = {"--config", folder().path("sluice.toml")}};
}

Reply ServedSite::ask(const std::vector<std::string>& words) const {
    std::vector<std::string> command{sluice_program()};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"--socket", socket()});
    ChildProcess client({command, {}, {}});
    const auto status = client.wait();
    const bool exited = status && WIFEXITED(*status);
    return {exited ? WEXITSTATUS(*status) : -1, client.out(), client.err()};
}

std::string ServedSite::answer(const std::string& script, const Place& at) const {
    return FastcgiRequest(at, folder().path("app/" + script)).answer().value_or("");
}

pid_t ServedSite::master(const Place& at) const {
    const auto text = answer("who.php", at);
    return text.empty() ? 0 : std::stoi(text);
}

std::string pool_on(const std::string& name, const std::string& listen, const std::string& more) {
    return "\n[" + name + "]\nuser = www-data\ngroup = www-data\nlisten = " + listen +
           "\npm = static\npm.max_children = 1\n" + more + "\n";
}

std::size_t open_files_of(pid_t pid) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& file :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        ++count;
    }
    return count;
}

std::string wrapper_config_of(pid_t pid) {
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        const auto target = std::filesystem::read_symlink(entry.path()).string();
        if (target.starts_with("/memfd:sluice")) return entry.path();
    }
    return {};
}

bool has_part(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string without_timestamps() {
    return "php_admin_value[opcache.validate_timestamps] = 0\n"
           "php_admin_value[opcache.file_update_protection] = 0\n";
}

} // namespace tests
