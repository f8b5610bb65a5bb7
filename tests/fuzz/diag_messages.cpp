#include "init/net/diag_messages.h"

#include "tests/fuzz/fuzz.h"

// One datagram of the kernel's. The seeds are real ones, asked for with the sequence number 1.
void fuzz(std::string_view bytes) {
    using namespace sluice;
    constexpr std::uint32_t sequence = 1;
    const auto datagram = std::as_bytes(std::span(bytes.data(), bytes.size()));
    for (const auto& record : net::parse_inet(datagram, sequence).records) {
        expect(net::age_of_handshake(record).count() >= 0);
        if (record.info) expect(record.info->since_sent.count() >= 0);
    }
    // A name is no longer than the datagram that it came in.
    for (const auto& record : net::parse_unix(datagram, sequence).records) {
        expect(record.name.size() <= bytes.size());
    }
}
