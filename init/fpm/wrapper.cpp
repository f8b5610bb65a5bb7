#include "init/fpm/wrapper.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace sluice::fpm {

namespace {

bool is_plain(char c) {
    constexpr std::string_view marks = "/._-+,@%~";
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           marks.find(c) != std::string_view::npos;
}

std::string line(std::string_view key, const std::string& value) {
    return value.empty() ? "" : std::string(key) + " = " + value + "\n";
}

std::string line(std::string_view key, int value) {
    return value == 0 ? "" : line(key, std::to_string(value));
}

// A pool's section, with what is to be different.
std::string section(const PoolOverride& pool) {
    auto text = "[" + pool.name + "]\n";
    text += line("listen", pool.listen);
    text += line("listen.allowed_clients", pool.allowed_clients);
    text += line("pm.start_servers", pool.start_servers);
    text += line("pm.max_spare_servers", pool.max_spare_servers);
    text += line("pm.status_listen", pool.status_listen);
    text += line("pm.status_path", pool.status_path);
    text += line("ping.path", pool.ping_path);
    if (!pool.chdir.empty()) text += line("chdir", '"' + pool.chdir + '"');
    if (pool.fresh_files) text += "php_admin_value[opcache.file_update_protection] = 0\n";
    return text;
}

} // namespace

std::optional<std::string> include_of(const std::string& config) {
    if (!std::ranges::all_of(config, is_plain)) return {};
    return "include=" + config + "\n";
}

std::string wrapper_config(const std::string& users, std::chrono::seconds control_timeout,
                           const Overrides& overrides) {
    auto text = users + "[global]\n" + line("daemonize", "no");
    text += line("process_control_timeout", std::to_string(control_timeout.count()) + "s");
    text += line("process.max", overrides.process_max);
    text += line("pid", overrides.pid);
    for (const auto& pool : overrides.pools) text += section(pool);
    return text;
}

std::string talkative_config(const std::string& users) {
    return users + "[global]\n" + line("log_level", "notice") + line("error_log", "/dev/null");
}

std::chrono::seconds control_timeout(std::optional<std::chrono::milliseconds> deadline) {
    using namespace std::chrono_literals;
    if (!deadline) return 24h;
    return std::chrono::ceil<std::chrono::seconds>(*deadline) + 1s;
}

} // namespace sluice::fpm
