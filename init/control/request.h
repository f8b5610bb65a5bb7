#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::control {

/// What the control socket can be asked.
enum class Request : std::uint8_t { reload, reload_wait, status, stop, stop_now, health };

/// A request's line, its newline included, has at most so many bytes. The longest that means
/// something has 21; the rest is room for a sentence about what came instead.
inline constexpr std::size_t longest_request = 256;

/// "reload wait": the words of a request.
std::string_view words_of(Request request);

/// The line for it, with its newline: "sluice/1 reload wait\n". The first word is the protocol and
/// its version.
std::string encode_request(Request request);

/// Reads one line without its newline, or says in a sentence why it is no request. Nothing but
/// exactly what encode_request writes is one. Any bytes may come; the sentence is plain text.
std::variant<Request, std::string> parse_request(std::string_view line);

} // namespace sluice::control
