#include "init/net/diag_messages.h"

#include <doctest/doctest.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <random>

namespace sluice::net {

namespace {

constexpr std::uint32_t sequence = 7;

void append(Bytes& bytes, const void* data, std::size_t size) {
    const auto* const first = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), first, first + size);
    while (bytes.size() % 4 != 0) bytes.push_back({});
}

Bytes message(std::uint16_t type, const Bytes& payload, std::uint16_t flags = NLM_F_MULTI) {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + payload.size());
    header.nlmsg_type = type;
    header.nlmsg_flags = flags;
    header.nlmsg_seq = sequence;
    Bytes bytes;
    append(bytes, &header, sizeof header);
    append(bytes, payload.data(), payload.size());
    return bytes;
}

Bytes attribute(std::uint16_t type, const void* data, std::size_t size) {
    nlattr header{};
    header.nla_len = static_cast<std::uint16_t>(sizeof header + size);
    header.nla_type = type;
    Bytes bytes;
    append(bytes, &header, sizeof header);
    append(bytes, data, size);
    return bytes;
}

Bytes inet_message(std::uint8_t family, std::size_t info_size = sizeof(tcp_info)) {
    inet_diag_msg socket{};
    socket.idiag_family = family;
    socket.idiag_state = established;
    socket.idiag_rqueue = 5;
    socket.idiag_inode = 42;
    socket.id.idiag_sport = static_cast<__be16>(0x2823); // 9000 on a little-endian machine
    const std::array<std::uint8_t, 4> host{127, 0, 0, 1};
    std::memcpy(&socket.id.idiag_src, host.data(), host.size());
    tcp_info info{};
    info.tcpi_last_data_sent = 1'500;
    info.tcpi_bytes_received = 11;
    info.tcpi_bytes_acked = 22;
    info.tcpi_bytes_sent = 33;
    Bytes payload;
    append(payload, &socket, sizeof socket);
    const auto extra = attribute(INET_DIAG_INFO, &info, info_size);
    payload.insert(payload.end(), extra.begin(), extra.end());
    return message(SOCK_DIAG_BY_FAMILY, payload);
}

Bytes unix_message(const std::string& name) {
    unix_diag_msg socket{};
    socket.udiag_state = listening;
    socket.udiag_ino = 42;
    const unix_diag_rqlen queue{.udiag_rqueue = 3, .udiag_wqueue = 511};
    Bytes payload;
    append(payload, &socket, sizeof socket);
    for (const auto& extra : {attribute(UNIX_DIAG_NAME, name.data(), name.size()),
                              attribute(UNIX_DIAG_RQLEN, &queue, sizeof queue)}) {
        payload.insert(payload.end(), extra.begin(), extra.end());
    }
    return message(SOCK_DIAG_BY_FAMILY, payload);
}

Bytes done() {
    const int result = 0;
    Bytes payload;
    append(payload, &result, sizeof result);
    return message(NLMSG_DONE, payload);
}

Bytes together(const std::vector<Bytes>& parts) {
    Bytes all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

} // namespace

TEST_CASE("a dump of TCP sockets is read to its end") {
    const auto batch = parse_inet(together({inet_message(2), inet_message(10), done()}), sequence);
    CHECK(batch.done);
    CHECK_FALSE(batch.malformed);
    REQUIRE(batch.records.size() == 2);
    const auto& record = batch.records.front();
    CHECK(record.state == established);
    CHECK(record.port == 9'000);
    CHECK(record.unread == 5);
    CHECK(record.inode == 42);
    CHECK(record.host == mapped(std::array<std::uint8_t, 4>{127, 0, 0, 1}));
    CHECK(batch.records.back().host.front() == 127); // IPv6 as it is
    REQUIRE(record.info);
    CHECK(record.info->since_sent == std::chrono::milliseconds(1'500));
    CHECK(record.info->bytes_received == 11);
    CHECK(record.info->bytes_sent == 33);
}

TEST_CASE("the shorter tcp_info of an older kernel gives what it has") {
    const auto without_sent =
        parse_inet(inet_message(2, offsetof(tcp_info, tcpi_bytes_sent)), sequence);
    CHECK(without_sent.records.front().info->bytes_sent == 22);
    const auto oldest = parse_inet(inet_message(2, 104), sequence);
    CHECK(oldest.records.front().info->since_sent == std::chrono::milliseconds(1'500));
    CHECK(oldest.records.front().info->bytes_received == 0);
    const auto none = parse_inet(inet_message(2, 0), sequence);
    CHECK_FALSE(none.records.front().info);
}

TEST_CASE("a unix socket has its path without the NUL, an abstract one its name with it") {
    using namespace std::string_literals;
    const auto batch = parse_unix(
        together({unix_message("/run/x.sock\0"s), unix_message("\0abstract"s), unix_message("")}),
        sequence);
    REQUIRE(batch.records.size() == 3);
    CHECK(batch.records[0].name == "/run/x.sock");
    CHECK(batch.records[0].state == listening);
    CHECK(batch.records[0].inode == 42);
    CHECK(batch.records[0].unread == 3);
    CHECK(batch.records[1].name == "\0abstract"s);
    CHECK(batch.records[2].name.empty());
}

TEST_CASE("errors, interruptions and other people's answers") {
    const int refused = -EACCES;
    Bytes payload;
    append(payload, &refused, sizeof refused);
    for (const int type : {NLMSG_ERROR, NLMSG_DONE}) {
        const auto batch = parse_inet(message(static_cast<std::uint16_t>(type), payload), sequence);
        CHECK(batch.done);
        CHECK(batch.error == EACCES);
    }
    const auto interrupted =
        parse_inet(message(NLMSG_DONE, payload, NLM_F_MULTI | NLM_F_DUMP_INTR), sequence);
    CHECK(interrupted.interrupted);
    const auto other = parse_inet(inet_message(2), sequence + 1);
    CHECK(other.records.empty());
    CHECK_FALSE(other.malformed);
}

TEST_CASE("an answer that is cut anywhere is malformed or shorter, and never read beyond") {
    const auto inet = together({inet_message(2), inet_message(10), done()});
    const auto unix_answer = together({unix_message("/run/x.sock"), done()});
    for (std::size_t size = 0; size < inet.size(); ++size) {
        const Bytes cut(inet.begin(), inet.begin() + static_cast<std::ptrdiff_t>(size));
        const auto batch =
            parse_inet(cut, sequence); // a heap block of this size: for the sanitizer
        CHECK(batch.records.size() <= 2);
        CHECK_FALSE(batch.done);
    }
    for (std::size_t size = 0; size < unix_answer.size(); ++size) {
        const Bytes cut(unix_answer.begin(),
                        unix_answer.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(parse_unix(cut, sequence).done);
    }
}

TEST_CASE("any bytes are safe") {
    std::mt19937 random(1);
    const auto good = together({inet_message(2), unix_message("/run/x.sock"), done()});
    for (int round = 0; round < 20'000; ++round) {
        Bytes bytes = good;
        const auto changes = random() % 8;
        for (unsigned i = 0; i <= changes; ++i) {
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        }
        bytes.resize(random() % (bytes.size() + 1));
        const auto inet = parse_inet(bytes, sequence);
        const auto local = parse_unix(bytes, sequence);
        if (inet.records.size() > 3 || local.records.size() > 3) FAIL("records out of nothing");
        if (inet.error < 0 || inet.error > 4'095) FAIL("no errno: " << inet.error);
        for (const auto& record : inet.records) {
            if (age_of_handshake(record).count() < 0) FAIL("an age below zero");
        }
    }
}

TEST_CASE("requests are whole messages of the right length") {
    const auto inet = inet_request(2, 9'000, bit(established), sequence);
    nlmsghdr header{};
    std::memcpy(&header, inet.data(), sizeof header);
    CHECK(header.nlmsg_len == inet.size());
    CHECK(inet.size() == sizeof header + sizeof(inet_diag_req_v2));
    CHECK(unix_request(bit(established), sequence).size() == sizeof header + sizeof(unix_diag_req));
    CHECK(unix_request_one(42, sequence).size() == sizeof header + sizeof(unix_diag_req));
}

TEST_CASE("the age of a handshake comes from its resends and its timer") {
    const auto age = [](int resent, int timer_ms) {
        return age_of_handshake({.resent = resent, .timer = std::chrono::milliseconds(timer_ms)})
            .count();
    };
    CHECK(age(0, 1'000) == 0);
    CHECK(age(0, 400) == 600);
    CHECK(age(1, 2'000) == 1'000);
    CHECK(age(1, 500) == 2'500);
    CHECK(age(2, 4'000) == 3'000);
    CHECK(age(0, 5'000) == 0);   // a longer first timeout than the usual second
    CHECK(age(255, 0) > 60'000); // no overflow
}

} // namespace sluice::net
