#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// FastCGI as its client speaks it: one request at a time on a connection, always with id 1.
namespace sluice::fpm {

/// "SCRIPT_NAME" -> "/ping", in the order in which they are sent.
using Params = std::vector<std::pair<std::string, std::string>>;

enum class AfterReply { close_connection, keep_connection };

/// The bytes of one whole request: what to write to the connection. PHP does not take a param (name
/// and value) of more than about 65,000 bytes.
std::string encode_request(const Params& params, std::string_view body, AfterReply after);

/// FCGI_END_REQUEST's protocolStatus.
enum class ProtocolStatus : std::uint8_t {
    request_complete = 0,
    cannot_multiplex = 1,
    overloaded = 2,
    unknown_role = 3,
};

/// Puts the reply to one request together from whatever pieces come. It ends in one of two states:
/// done, or failed, after which nothing is taken any more. A connection that closes before either
/// has cut the reply. Holds at most twice `most` bytes of text and the head of one record.
class ResponseReader {
  public:
    /// `most`: how much of each of the two outputs is kept; what is beyond it is read and dropped,
    /// so that a large reply does not block the worker.
    explicit ResponseReader(std::size_t most) : most_(most) {}

    /// False once it failed: what came is not FastCGI, belongs to another request, or came after
    /// the end.
    bool feed(std::string_view bytes);

    bool done() const { return state_ == State::done; }

    bool failed() const { return state_ == State::failed; }

    /// The page: CGI headers, a blank line, the body.
    const std::string& output() const { return output_.text; }

    /// What PHP logged.
    const std::string& error_output() const { return error_output_.text; }

    /// True where one of the two is not whole.
    bool truncated() const { return output_.truncated || error_output_.truncated; }

    /// These two only after done().
    ProtocolStatus protocol_status() const { return protocol_status_; }

    std::uint32_t app_status() const { return app_status_; }

  private:
    enum class State : std::uint8_t { head, content, padding, done, failed };

    struct Text {
        std::string text;
        bool truncated = false;
    };

    void take_head();
    void take_content(std::string_view bytes);
    void take_end();
    void append(Text& text, std::string_view bytes) const;
    void after_content();

    std::size_t most_;
    State state_ = State::head;
    std::string head_; // of the record that is being read; for END_REQUEST then its content
    std::uint8_t type_ = 0;
    std::size_t content_left_ = 0;
    std::size_t padding_left_ = 0;
    Text output_;
    Text error_output_;
    ProtocolStatus protocol_status_ = ProtocolStatus::request_complete;
    std::uint32_t app_status_ = 0;
};

/// A page as its reader sees it.
struct Page {
    int status = 200; // from "Status: 404 Not Found", which PHP leaves out for 200
    std::vector<std::pair<std::string, std::string>> headers; // but Status; names as they came
    std::string body;
};

/// Splits ResponseReader::output(). Nothing where the headers do not end or the status is none.
std::optional<Page> parse_page(std::string_view output);

} // namespace sluice::fpm
