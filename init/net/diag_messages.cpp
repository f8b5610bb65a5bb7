#include "init/net/diag_messages.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace sluice::net {

namespace {

using View = std::span<const std::byte>;

// <sys/socket.h> would bring the system calls in; the numbers are the kernel's and fixed.
constexpr std::uint8_t family_unix = 1;
constexpr std::uint8_t family_inet = 2;
constexpr std::uint8_t protocol_tcp = 6;

constexpr std::size_t aligned(std::size_t size) {
    return (size + 3) & ~std::size_t{3}; // NLMSG_ALIGN and NLA_ALIGN
}

constexpr std::uint16_t swapped_if_little(std::uint16_t value) {
    if constexpr (std::endian::native == std::endian::big) return value;
    return static_cast<std::uint16_t>((value << 8U) | (value >> 8U));
}

// A copy of the structure at the front; what the bytes do not cover stays zero.
template <typename Structure>
Structure front(View bytes) {
    Structure structure{};
    std::memcpy(&structure, bytes.data(), std::min(bytes.size(), sizeof structure));
    return structure;
}

template <typename Request>
Bytes message(const Request& request, std::uint16_t flags, std::uint32_t sequence) {
    Bytes bytes(sizeof(nlmsghdr) + sizeof request);
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(bytes.size());
    header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    header.nlmsg_seq = sequence;
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + sizeof header, &request, sizeof request);
    return bytes;
}

// Calls take(type, payload) for each attribute. False if one does not fit.
template <typename Take>
bool each_attribute(View bytes, Take take) {
    while (bytes.size() >= sizeof(nlattr)) {
        const auto attribute = front<nlattr>(bytes);
        if (attribute.nla_len < sizeof attribute || attribute.nla_len > bytes.size()) return false;
        take(attribute.nla_type & NLA_TYPE_MASK,
             bytes.subspan(sizeof attribute, attribute.nla_len - sizeof attribute));
        bytes = bytes.subspan(std::min(aligned(attribute.nla_len), bytes.size()));
    }
    return true;
}

InetRecord::Info info_of(View bytes) {
    const auto info = front<tcp_info>(bytes);
    // Kernels before 4.19 do not count what was sent, but what was acknowledged.
    const bool counts_sent =
        bytes.size() >= offsetof(tcp_info, tcpi_bytes_sent) + sizeof info.tcpi_bytes_sent;
    return {.since_sent = std::chrono::milliseconds(info.tcpi_last_data_sent),
            .since_received = std::chrono::milliseconds(info.tcpi_last_data_recv),
            .bytes_received = info.tcpi_bytes_received,
            .bytes_sent = counts_sent ? info.tcpi_bytes_sent : info.tcpi_bytes_acked};
}

bool add(View payload, std::vector<InetRecord>& records) {
    if (payload.size() < sizeof(inet_diag_msg)) return false;
    const auto socket = front<inet_diag_msg>(payload);
    InetRecord record;
    record.id.family = socket.idiag_family;
    std::memcpy(record.id.id.data(), &socket.id, record.id.id.size());
    record.state = socket.idiag_state;
    record.resent = socket.idiag_retrans;
    record.timer = std::chrono::milliseconds(socket.idiag_expires);
    std::memcpy(record.host.data(), &socket.id.idiag_src, record.host.size());
    if (socket.idiag_family == family_inet) record.host = mapped(std::span(record.host).first<4>());
    record.port = swapped_if_little(socket.id.idiag_sport);
    record.unread = socket.idiag_rqueue;
    record.inode = socket.idiag_inode;
    const bool whole =
        each_attribute(payload.subspan(std::min(aligned(sizeof socket), payload.size())),
                       [&](int type, View value) {
                           if (type == INET_DIAG_INFO && !value.empty())
                               record.info = info_of(value);
                       });
    records.push_back(record);
    return whole;
}

// A path comes with the NUL at its end, an abstract name begins with one.
std::string name_of(View value) {
    std::string name(value.size(), '\0');
    if (!value.empty()) std::memcpy(name.data(), value.data(), value.size());
    if (!name.empty() && name.front() != '\0') name.resize(std::min(name.find('\0'), name.size()));
    return name;
}

UnixRecord::File file_of(View value) {
    const auto file = front<unix_diag_vfs>(value);
    return {.inode = file.udiag_vfs_ino, .device = file.udiag_vfs_dev};
}

bool add(View payload, std::vector<UnixRecord>& records) {
    if (payload.size() < sizeof(unix_diag_msg)) return false;
    const auto socket = front<unix_diag_msg>(payload);
    UnixRecord record;
    record.state = socket.udiag_state;
    record.inode = socket.udiag_ino;
    const bool whole =
        each_attribute(payload.subspan(std::min(aligned(sizeof socket), payload.size())),
                       [&](int type, View value) {
                           if (type == UNIX_DIAG_NAME) record.name = name_of(value);
                           if (type == UNIX_DIAG_RQLEN)
                               record.unread = front<unix_diag_rqlen>(value).udiag_rqueue;
                           if (type == UNIX_DIAG_VFS) record.file = file_of(value);
                       });
    records.push_back(std::move(record));
    return whole;
}

// One message's payload. False if it is malformed.
template <typename Record>
bool take(const nlmsghdr& header, View payload, Batch<Record>& batch) {
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) batch.interrupted = true;
    switch (header.nlmsg_type) {
    case NLMSG_DONE: {
        // A dump that failed on its way says so here.
        const auto result = payload.size() >= sizeof(int) ? front<int>(payload) : 0;
        batch.done = true;
        if (result < 0) batch.error = -std::max(result, -4'095);
        return true;
    }
    case NLMSG_ERROR: {
        if (payload.size() < sizeof(int)) return false;
        batch.done = true;
        batch.error = -std::clamp(front<int>(payload), -4'095, 0);
        return true;
    }
    case SOCK_DIAG_BY_FAMILY: return add(payload, batch.records);
    default: return true; // NLMSG_NOOP, or what later kernels may add
    }
}

template <typename Record>
Batch<Record> parse(View datagram, std::uint32_t sequence) {
    Batch<Record> batch;
    while (!datagram.empty() && !batch.done) {
        const auto header = front<nlmsghdr>(datagram);
        if (datagram.size() < sizeof header || header.nlmsg_len < sizeof header ||
            header.nlmsg_len > datagram.size()) {
            batch.malformed = true;
            return batch;
        }
        const auto payload = datagram.subspan(sizeof header, header.nlmsg_len - sizeof header);
        if (header.nlmsg_seq == sequence && !take(header, payload, batch)) batch.malformed = true;
        datagram = datagram.subspan(std::min(aligned(header.nlmsg_len), datagram.size()));
    }
    return batch;
}

} // namespace

Bytes inet_request(int family, std::uint16_t port, std::uint32_t states, std::uint32_t sequence) {
    inet_diag_req_v2 request{};
    request.sdiag_family = static_cast<std::uint8_t>(family);
    request.sdiag_protocol = protocol_tcp;
    request.idiag_ext = 1U << (INET_DIAG_INFO - 1U);
    request.idiag_states = states;
    request.id.idiag_sport = swapped_if_little(port);
    return message(request, NLM_F_DUMP, sequence);
}

Bytes inet_request_one(const InetId& id, std::uint32_t sequence) {
    inet_diag_req_v2 request{};
    request.sdiag_family = static_cast<std::uint8_t>(id.family);
    request.sdiag_protocol = protocol_tcp;
    request.idiag_ext = 1U << (INET_DIAG_INFO - 1U);
    request.idiag_states = ~0U;
    static_assert(sizeof request.id == sizeof id.id);
    std::memcpy(&request.id, id.id.data(), id.id.size());
    return message(request, 0, sequence);
}

Bytes unix_request(std::uint32_t states, std::uint32_t sequence) {
    unix_diag_req request{};
    request.sdiag_family = family_unix;
    request.udiag_states = states;
    request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN;
    return message(request, NLM_F_DUMP, sequence);
}

Bytes unix_request_one(std::uint32_t inode, std::uint32_t sequence) {
    unix_diag_req request{};
    request.sdiag_family = family_unix;
    request.udiag_ino = inode;
    request.udiag_show = UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN;
    std::ranges::fill(request.udiag_cookie, INET_DIAG_NOCOOKIE);
    return message(request, 0, sequence);
}

Batch<InetRecord> parse_inet(std::span<const std::byte> datagram, std::uint32_t sequence) {
    return parse<InetRecord>(datagram, sequence);
}

Batch<UnixRecord> parse_unix(std::span<const std::byte> datagram, std::uint32_t sequence) {
    return parse<UnixRecord>(datagram, sequence);
}

std::chrono::milliseconds age_of_handshake(const InetRecord& record) {
    constexpr int last_doubling = 7; // TCP_RTO_MAX, two minutes, comes after 1 + 2 + ... + 64 s
    const int resent = std::clamp(record.resent, 0, last_doubling);
    const std::chrono::seconds next_resend((1 << (resent + 1)) - 1);
    return std::max(std::chrono::milliseconds(0), next_resend - record.timer);
}

std::uint64_t InetId::cookie() const {
    constexpr auto at = offsetof(inet_diag_sockid, idiag_cookie);
    static_assert(at + sizeof(std::uint64_t) == sizeof(inet_diag_sockid));
    std::uint64_t cookie = 0;
    std::memcpy(&cookie, id.data() + at, sizeof cookie);
    return cookie;
}

std::array<std::uint8_t, 16> mapped(std::span<const std::uint8_t, 4> host) {
    std::array<std::uint8_t, 16> address{};
    address[10] = address[11] = 0xff;
    std::ranges::copy(host, address.begin() + 12);
    return address;
}

} // namespace sluice::net
