#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "init/core/report.h"

namespace sluice::control {

// What the control socket answers: one JSON object a line. A request ends with exactly one Done,
// Status or Failure; before it `reload wait` sends Progress.

/// A step of a reload begins or is done.
struct Progress {
    std::string step; // "check", "warm-up"
    enum class State { begins, done } state = State::begins;
    std::chrono::milliseconds took{0}; // of a step that is done
    std::string text;                  // what there is to say about it; may be empty

    bool operator==(const Progress&) const = default;
};

/// The end: what was asked for has been done, or has not and why.
struct Done {
    bool ok = true;
    std::string text;

    bool operator==(const Done&) const = default;
};

/// `status`: the report's JSON, as init/control/report_json reads it.
struct Status {
    std::string json;

    bool operator==(const Status&) const = default;
};

/// The request was not even taken: no request, not allowed, too many clients.
struct Failure {
    std::string text;

    bool operator==(const Failure&) const = default;
};

using Reply = std::variant<Progress, Done, Status, Failure>;

/// One JSON object without a newline, valid whatever bytes the texts hold:
/// {"step":"check","state":"done","took_ms":12,"text":""}, {"done":true,"ok":true,"text":"..."},
/// {"status":{...}}, {"error":"..."}. Status::json has to be JSON.
std::string encode_reply(const Reply& reply);

/// The answer to `status`.
std::string encode_status(const core::Report& report);

/// What encode_reply wrote; nothing for anything else.
std::optional<Reply> parse_reply(std::string_view line);

} // namespace sluice::control
