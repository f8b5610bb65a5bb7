#include "init/fpm/fastcgi.h"

#include <algorithm>
#include <charconv>

namespace sluice::fpm {

namespace {

// The FastCGI specification 1.0, section 8.
constexpr std::uint8_t version_1 = 1;
constexpr std::uint8_t begin_request = 1;
constexpr std::uint8_t end_request = 3;
constexpr std::uint8_t params_stream = 4;
constexpr std::uint8_t stdin_stream = 5;
constexpr std::uint8_t stdout_stream = 6;
constexpr std::uint8_t stderr_stream = 7;
constexpr std::uint8_t responder_role = 1;
constexpr std::uint8_t keep_conn_flag = 1;
constexpr unsigned our_id = 1;
constexpr unsigned management_id = 0;
constexpr std::size_t head_size = 8;
constexpr std::size_t end_request_size = 8;
// The most that one record holds, and a multiple of 8, so that no padding is wanted.
constexpr std::size_t most_content = 65'528;
// Above this a length in PARAMS takes four bytes.
constexpr std::size_t longest_short = 127;

char low_byte(std::size_t number) {
    return static_cast<char>(static_cast<unsigned char>(number & 0xffU));
}

unsigned byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

unsigned pair_at(std::string_view bytes, std::size_t at) {
    return (byte_at(bytes, at) << 8U) | byte_at(bytes, at + 1);
}

void append_record(std::string& bytes, std::uint8_t type, std::string_view content) {
    const auto size = content.size();
    const char head[head_size] = {
        static_cast<char>(version_1), static_cast<char>(type), 0, static_cast<char>(our_id),
        low_byte(size >> 8U),         low_byte(size),          0, 0};
    bytes.append(head, head_size);
    bytes.append(content);
}

void append_pieces(std::string& bytes, std::uint8_t type, std::string_view content) {
    while (!content.empty()) {
        const auto piece = content.substr(0, most_content);
        append_record(bytes, type, piece);
        content.remove_prefix(piece.size());
    }
}

// A stream is any number of records and ends with an empty one.
void append_stream(std::string& bytes, std::uint8_t type, std::string_view content) {
    append_pieces(bytes, type, content);
    append_record(bytes, type, {});
}

void append_length(std::string& bytes, std::size_t length) {
    if (length > longest_short) {
        constexpr std::size_t long_mark = 0x80;
        bytes += low_byte((length >> 24U) | long_mark);
        bytes += low_byte(length >> 16U);
        bytes += low_byte(length >> 8U);
    }
    bytes += low_byte(length);
}

std::string encoded_pair(const std::string& name, const std::string& value) {
    std::string bytes;
    append_length(bytes, name.size());
    append_length(bytes, value.size());
    return bytes + name + value;
}

// PHP reads each record by itself and drops the connection where a pair goes on in the next one
// (tried with 8.2), which the specification allows. So a pair that does not fit begins a new
// record.
void append_params(std::string& bytes, const Params& params) {
    std::string content;
    for (const auto& [name, value] : params) {
        const auto pair = encoded_pair(name, value);
        if (!content.empty() && content.size() + pair.size() > most_content) {
            append_record(bytes, params_stream, content);
            content.clear();
        }
        content += pair;
        if (content.size() <= most_content) continue;
        append_pieces(bytes, params_stream, content); // larger than PHP takes, but well-formed
        content.clear();
    }
    append_stream(bytes, params_stream, content);
}

} // namespace

std::string encode_request(const Params& params, std::string_view body, AfterReply after) {
    const auto flags = after == AfterReply::keep_connection ? keep_conn_flag : 0;
    const char begin[] = {
        0, static_cast<char>(responder_role), static_cast<char>(flags), 0, 0, 0, 0, 0};
    std::string bytes;
    append_record(bytes, begin_request, {begin, sizeof begin});
    append_params(bytes, params);
    append_stream(bytes, stdin_stream, body);
    return bytes;
}

bool ResponseReader::feed(std::string_view bytes) {
    while (!bytes.empty() && state_ != State::failed) {
        std::size_t taken = 0;
        switch (state_) {
        case State::head:
            taken = std::min(bytes.size(), head_size - head_.size());
            head_ += bytes.substr(0, taken);
            if (head_.size() == head_size) take_head();
            break;
        case State::content:
            taken = std::min(bytes.size(), content_left_);
            take_content(bytes.substr(0, taken));
            break;
        case State::padding:
            taken = std::min(bytes.size(), padding_left_);
            padding_left_ -= taken;
            if (padding_left_ == 0) after_content();
            break;
        case State::done: // nobody asked for more
        case State::failed: state_ = State::failed; break;
        }
        bytes.remove_prefix(taken);
    }
    return state_ != State::failed;
}

void ResponseReader::take_head() {
    type_ = static_cast<std::uint8_t>(byte_at(head_, 1));
    const auto id = pair_at(head_, 2);
    content_left_ = pair_at(head_, 4);
    padding_left_ = byte_at(head_, 6);
    const bool is_ours = type_ == stdout_stream || type_ == stderr_stream ||
                         (type_ == end_request && content_left_ == end_request_size);
    // Records that are about the connection (id 0) are allowed at any time and mean nothing to us.
    const bool expected = id == management_id || (id == our_id && is_ours);
    if (byte_at(head_, 0) != version_1 || !expected) {
        state_ = State::failed;
        return;
    }
    if (id == management_id) type_ = 0;
    head_.clear();
    state_ = State::content;
    if (content_left_ == 0) take_content({});
}

void ResponseReader::take_content(std::string_view bytes) {
    content_left_ -= bytes.size();
    if (type_ == stdout_stream) append(output_, bytes);
    if (type_ == stderr_stream) append(error_output_, bytes);
    if (type_ == end_request) head_ += bytes;
    if (content_left_ > 0) return;
    state_ = State::padding;
    if (padding_left_ == 0) after_content();
}

void ResponseReader::append(Text& text, std::string_view bytes) const {
    const auto room = most_ - text.text.size();
    if (bytes.size() > room) text.truncated = true;
    text.text += bytes.substr(0, room);
}

// After the padding too: it belongs to the reply, and a kept connection must be clear of it.
void ResponseReader::after_content() {
    if (type_ == end_request) {
        take_end();
    } else {
        state_ = State::head;
    }
}

void ResponseReader::take_end() {
    app_status_ = (pair_at(head_, 0) << 16U) | pair_at(head_, 2);
    const auto status = byte_at(head_, 4);
    if (status > static_cast<unsigned>(ProtocolStatus::unknown_role)) {
        state_ = State::failed;
        return;
    }
    protocol_status_ = static_cast<ProtocolStatus>(status);
    state_ = State::done;
}

namespace {

// Takes a line off the front, without its end ("\r\n", or "\n" alone); nothing where none ends.
std::optional<std::string_view> take_line(std::string_view& text) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_status_header(std::string_view name) {
    constexpr std::string_view status = "status";
    return std::ranges::equal(name, status, [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

// "404 Not Found", "404".
std::optional<int> status_of(std::string_view value) {
    int status = 0;
    const char* const last = value.data() + value.size();
    const auto [end, error] = std::from_chars(value.data(), last, status);
    const bool whole = error == std::errc{} && (end == last || *end == ' ');
    if (!whole || status < 100 || status > 599) return {};
    return status;
}

} // namespace

std::optional<Page> parse_page(std::string_view output) {
    Page page;
    while (const auto line = take_line(output)) {
        if (line->empty()) {
            page.body = output;
            return page;
        }
        const auto colon = line->find(':');
        if (colon == std::string_view::npos) return {};
        const auto name = line->substr(0, colon);
        const auto value = trimmed(line->substr(colon + 1));
        if (!is_status_header(name)) {
            page.headers.emplace_back(name, value);
        } else if (const auto status = status_of(value)) {
            page.status = *status;
        } else {
            return {};
        }
    }
    return {};
}

} // namespace sluice::fpm
