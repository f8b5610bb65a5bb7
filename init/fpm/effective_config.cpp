#include "init/fpm/effective_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "init/core/lines.h"
#include "init/fpm/config_check.h"

namespace sluice::fpm {

namespace {

struct TextKey {
    std::string_view name;
    std::string Pool::*member;
};

struct NumberKey {
    std::string_view name;
    int Pool::*member;
};

struct FlagKey {
    std::string_view name;
    bool Pool::*member;
};

// sapi/fpm/fpm/fpm_conf.c, fpm_conf_dump: these names are the same from PHP 7.4 to 8.4.
constexpr std::array text_keys{
    TextKey{"prefix", &Pool::prefix},
    TextKey{"user", &Pool::user},
    TextKey{"group", &Pool::group},
    TextKey{"listen", &Pool::listen},
    TextKey{"listen.owner", &Pool::listen_owner},
    TextKey{"listen.group", &Pool::listen_group},
    TextKey{"listen.mode", &Pool::listen_mode},
    TextKey{"listen.acl_users", &Pool::acl_users},
    TextKey{"listen.acl_groups", &Pool::acl_groups},
    TextKey{"listen.allowed_clients", &Pool::allowed_clients},
    TextKey{"pm", &Pool::pm},
    TextKey{"pm.status_path", &Pool::status_path},
    TextKey{"pm.status_listen", &Pool::status_listen},
    TextKey{"ping.path", &Pool::ping_path},
    TextKey{"ping.response", &Pool::ping_response},
    TextKey{"chroot", &Pool::chroot},
    TextKey{"chdir", &Pool::chdir},
};

constexpr std::array number_keys{
    NumberKey{"listen.backlog", &Pool::backlog},
    NumberKey{"pm.max_children", &Pool::max_children},
    NumberKey{"pm.start_servers", &Pool::start_servers},
    NumberKey{"pm.min_spare_servers", &Pool::min_spare_servers},
    NumberKey{"pm.max_spare_servers", &Pool::max_spare_servers},
};

constexpr std::array flag_keys{
    FlagKey{"clear_env", &Pool::clear_env},
    FlagKey{"catch_workers_output", &Pool::catch_workers_output},
};

template <typename Keys>
auto member_of(const Keys& keys, std::string_view name) {
    const auto* const key = std::ranges::find(keys, name, &Keys::value_type::name);
    return key == keys.end() ? nullptr : key->member;
}

std::string text_of(std::string_view value) {
    return value == "undefined" ? std::string() : std::string(value);
}

// Leaves `number` alone where the value is none. What follows the digits is the unit, always "s".
void read_number(std::string_view value, int& number) {
    std::from_chars(value.data(), value.data() + value.size(), number);
}

std::chrono::seconds seconds_of(std::string_view value) {
    int seconds = 0;
    read_number(value, seconds);
    return std::chrono::seconds(seconds);
}

bool flag_of(std::string_view value) {
    return value == "yes";
}

void set(Pool& pool, std::string_view key, std::string_view value) {
    if (const auto text = member_of(text_keys, key)) {
        pool.*text = text_of(value);
    } else if (const auto number = member_of(number_keys, key)) {
        read_number(value, pool.*number);
    } else if (const auto flag = member_of(flag_keys, key)) {
        pool.*flag = flag_of(value);
    } else if (key == "request_terminate_timeout") {
        pool.request_terminate_timeout = seconds_of(value);
    }
}

void set_global(EffectiveConfig& config, std::string_view key, std::string_view value) {
    if (key == "pid") config.pid = text_of(value);
    if (key == "error_log") config.error_log = text_of(value);
    if (key == "process.max") read_number(value, config.process_max);
    if (key == "daemonize") config.daemonize = flag_of(value);
    if (key == "process_control_timeout") config.process_control_timeout = seconds_of(value);
}

// Takes the sections and keys in their order. With error_log = /proc/self/fd/2 every line comes
// twice, at once, so a section is known by its name, and a key set again changes nothing.
class Reader {
  public:
    void line(std::string_view text) {
        if (text.starts_with('[') && text.ends_with(']')) {
            section(text.substr(1, text.size() - 2));
        } else if (text.starts_with('\t')) {
            key_and_value(text.substr(1));
        } else if (auto file = config_path_in(std::string(text))) {
            config_.file = *std::move(file);
        }
    }

    EffectiveConfig result() && { return std::move(config_); }

  private:
    void section(std::string_view name) {
        global_ = name == "global";
        if (global_) return;
        auto& pools = config_.pools;
        const auto found = std::ranges::find(pools, name, &Pool::name);
        current_ = static_cast<std::size_t>(found - pools.begin());
        if (found == pools.end()) pools.emplace_back().name = name;
    }

    // The key ends at the first " = ": a value may hold another one, a key cannot.
    void key_and_value(std::string_view text) {
        constexpr std::string_view equals = " = ";
        const auto at = text.find(equals);
        if (at == std::string_view::npos) return;
        const auto key = text.substr(0, at);
        const auto value = text.substr(at + equals.size());
        if (key == "pm.status_listen") config_.knows_status_listen = true;
        if (global_) {
            set_global(config_, key, value);
        } else if (current_ < config_.pools.size()) {
            set(config_.pools[current_], key, value);
        }
    }

    EffectiveConfig config_;
    bool global_ = false;
    std::size_t current_ = 0;
};

// "[23-Nov-2026 05:00:00] NOTICE: text". A line without it is the rest of the one before: a value
// holds a newline where it came from the environment (env[A] = ${B}), and must not pass for a key.
std::optional<std::string_view> text_of_notice(std::string_view line) {
    constexpr std::string_view mark = "] NOTICE: ";
    const auto at = line.find(mark);
    if (!line.starts_with('[') || at == std::string_view::npos) return {};
    return line.substr(at + mark.size());
}

} // namespace

std::optional<EffectiveConfig> parse_effective_config(const std::string& output) {
    Reader reader;
    std::string_view rest = output;
    while (!rest.empty()) {
        if (const auto text = text_of_notice(core::take_line(rest))) reader.line(*text);
    }
    auto config = std::move(reader).result();
    if (config.pools.empty() || config.file.empty()) return {};
    return config;
}

} // namespace sluice::fpm
