#include <algorithm>
#include <string>

#include "init/fpm/fastcgi.h"
#include "tests/fuzz/fuzz.h"

// A reply reads the same in whatever pieces it comes; the first byte says how large they are.
void fuzz(std::string_view bytes) {
    using namespace sluice::fpm;
    if (bytes.empty()) return;
    const auto piece = static_cast<std::size_t>(static_cast<unsigned char>(bytes.front())) + 1;
    bytes.remove_prefix(1);
    constexpr std::size_t most = 100;
    ResponseReader whole(most);
    whole.feed(bytes);
    ResponseReader pieces(most);
    for (auto rest = bytes; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
        pieces.feed(rest.substr(0, piece));
    expect(whole.done() == pieces.done());
    expect(whole.failed() == pieces.failed());
    expect(!(whole.done() && whole.failed()));
    expect(whole.output() == pieces.output());
    expect(whole.error_output() == pieces.error_output());
    expect(whole.truncated() == pieces.truncated());
    expect(whole.output().size() <= most && whole.error_output().size() <= most);
    for (const std::string_view text : {std::string_view(whole.output()), bytes}) {
        const auto page = parse_page(text);
        if (page) expect(page->status >= 100 && page->status <= 599);
    }
    encode_request({{whole.output(), std::string(bytes)}}, bytes, AfterReply::keep_connection);
}
