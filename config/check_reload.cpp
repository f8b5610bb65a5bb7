#include "config/check_reload.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "config/keys.h"

namespace sluice::config {

namespace {

using namespace std::string_view_literals;

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) {
        if (!text.empty()) text += ", ";
        text += name;
    }
    return text;
}

class Check {
  public:
    Check(const Settings& settings, Findings& findings)
        : settings_(settings), reload_(settings.reload), findings_(findings) {}

    void run() {
        if (!service_reloads_itself()) {
            nothing_to_prove();
            slots_without_folder();
        }
        for (std::size_t at = 0; at < reload_.warmups.size(); ++at)
            warmup(reload_.warmups[at], "reload.warmup[" + std::to_string(at + 1) + "].");
    }

  private:
    // What the operator wrote of [reload], arrays of tables included, but for these.
    std::vector<std::string> written_but(std::span<const std::string_view> exceptions) const {
        std::vector<std::string> names;
        for (const auto& section : sections()) {
            if (!section.is_array() || section.entries(settings_) == 0) continue;
            if (std::ranges::count(exceptions, section.name) == 0)
                names.push_back(header_of(section));
        }
        for (const auto& key : keys())
            if (section_of(key) == "reload" && findings_.written(key.name) &&
                std::ranges::count(exceptions, key.name) == 0)
                names.emplace_back(key.name);
        return names;
    }

    bool service_reloads_itself() {
        const auto kind = settings_.service.kind;
        if (kind != Kind::nginx && kind != Kind::plain) return false;
        constexpr std::array none{"reload.strategy"sv};
        const bool by_signal = reload_.strategy == Strategy::signal;
        const auto names = written_but(by_signal ? std::span(none) : std::span(none).first(0));
        if (!names.empty())
            findings_.warn("service.kind",
                           std::string("with ") +
                               (kind == Kind::nginx ? R"("nginx" the service reloads by itself on )"
                                                      "its own signal (HUP)"
                                                    : R"("plain" the service reloads by itself, )"
                                                      "on whatever signal it knows") +
                               ", so these have no effect: " + joined(names) + "; remove them");
        return true;
    }

    // There is one generation only: no second one to prove, to pin to a release or to retire.
    // What triggers, checks and spreads reloads is as useful as ever.
    void nothing_to_prove() {
        if (reload_.strategy != Strategy::signal) return;
        constexpr std::array useful{"reload.strategy"sv, "reload.check"sv, "reload.splay"sv,
                                    "reload.watch"sv,    "reload.slots"sv, "reload.slots_dir"sv};
        const auto names = written_but(useful);
        if (!names.empty())
            findings_.warn("reload.strategy",
                           R"("signal" leaves the reload to the service and starts no second )"
                           "generation, so these have no effect: " +
                               joined(names) + R"(; remove them, or write "switch")");
    }

    void slots_without_folder() {
        if (reload_.slots > 1 && !reload_.slots_dir)
            findings_.warn("reload.slots",
                           "has no effect without reload.slots_dir; write the folder that the "
                           "containers share, or remove the key");
    }

    void warmup(const Warmup& entry, const std::string& prefix) {
        if (entry.concurrency > entry.count)
            findings_.error(
                prefix + "concurrency",
                std::to_string(entry.concurrency) + " at a time is more than there are: count is " +
                    std::to_string(entry.count) + "; write a higher count or a lower concurrency");
        if (entry.method == "HEAD" && !entry.text.empty())
            findings_.error(prefix + "text",
                            "an answer to HEAD has no body, so it never holds a text; remove the "
                            "key, or write method = \"GET\"");
    }

    const Settings& settings_;
    const decltype(Settings::reload)& reload_;
    Findings& findings_;
};

} // namespace

void check_reload(const Settings& settings, Findings& findings) {
    Check(settings, findings).run();
}

} // namespace sluice::config
