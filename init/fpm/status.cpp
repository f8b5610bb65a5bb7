#include "init/fpm/status.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <limits>

namespace sluice::fpm {

namespace {

namespace json = boost::json;

struct StateName {
    std::string_view name;
    State state;
};

// sapi/fpm/fpm/fpm_request.c, requests_stages.
constexpr std::array state_names{
    StateName{"Creating", State::creating},
    StateName{"Idle", State::idle},
    StateName{"Reading headers", State::reading_headers},
    StateName{"Getting request information", State::getting_information},
    StateName{"Getting request informations", State::getting_information}, // PHP 7.4
    StateName{"Running", State::running},
    StateName{"Ending", State::ending},
    StateName{"Finishing", State::finishing},
};

State state_of(std::string_view name) {
    const auto* const found = std::ranges::find(state_names, name, &StateName::name);
    return found == state_names.end() ? State::unknown : found->state;
}

// Takes values out of one object and remembers whether all were there, so that the caller asks
// once.
class Reader {
  public:
    explicit Reader(const json::object& object) : object_(object) {}

    // FPM writes "-" where there is none.
    std::string text(std::string_view key) {
        const auto* const value = object_.if_contains(key);
        const auto* const text = value != nullptr ? value->if_string() : nullptr;
        if (text == nullptr) whole_ = false;
        return text == nullptr || *text == "-" ? std::string() : std::string(*text);
    }

    template <typename Number>
    Number number(std::string_view key) {
        constexpr std::uint64_t most = std::numeric_limits<Number>::max();
        const auto* const value = object_.if_contains(key);
        const auto* const is = value != nullptr ? value->if_int64() : nullptr;
        // FPM prints a negative number as a huge one: it comes from a clock that was set back.
        const bool huge = value != nullptr && value->is_uint64();
        if (is == nullptr && !huge) whole_ = false;
        if (is == nullptr || *is < 0 || static_cast<std::uint64_t>(*is) > most) return 0;
        return static_cast<Number>(*is);
    }

    const json::array* array(std::string_view key) {
        const auto* const value = object_.if_contains(key);
        const auto* const array = value != nullptr ? value->if_array() : nullptr;
        if (array == nullptr) whole_ = false;
        return array;
    }

    bool whole() const { return whole_; }

  private:
    const json::object& object_;
    bool whole_ = true;
};

std::optional<Worker> worker_of(const json::value& value) {
    const auto* const object = value.if_object();
    if (object == nullptr) return {};
    Reader reader(*object);
    Worker worker{
        .pid = reader.number<pid_t>("pid"),
        .state = state_of(reader.text("state")),
        .requests = reader.number<std::uint64_t>("requests"),
        .duration = std::chrono::microseconds(reader.number<std::int64_t>("request duration")),
        .script = reader.text("script"),
        .uri = reader.text("request uri"),
        .method = reader.text("request method"),
    };
    worker.uri.resize(std::min(worker.uri.find('?'), worker.uri.size()));
    // A signal to 0 would go to the whole group.
    if (!reader.whole() || worker.pid <= 0) return {};
    return worker;
}

} // namespace

std::optional<Status> parse_status(std::string_view text) {
    json::parse_options options;
    options.max_depth = 4; // the page itself needs 3
    options.allow_invalid_utf8 = true;
    json::error_code error;
    const auto value = json::parse(text, error, {}, options);
    const auto* const object = error ? nullptr : value.if_object();
    if (object == nullptr) return {};
    Reader reader(*object);
    Status status{
        .pool = reader.text("pool"),
        .process_manager = reader.text("process manager"),
        .accepted = reader.number<std::uint64_t>("accepted conn"),
        .listen_queue = reader.number<int>("listen queue"),
        .max_listen_queue = reader.number<int>("max listen queue"),
        .idle = reader.number<int>("idle processes"),
        .active = reader.number<int>("active processes"),
        .total = reader.number<int>("total processes"),
    };
    const auto* const processes = reader.array("processes");
    if (!reader.whole()) return {};
    for (const auto& process : *processes) {
        auto worker = worker_of(process);
        if (!worker) return {};
        status.workers.push_back(*std::move(worker));
    }
    return status;
}

} // namespace sluice::fpm
