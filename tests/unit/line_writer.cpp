#include "init/os/line_writer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <string>

namespace sluice::os {

namespace {

// Real descriptors: what the kernel does with a full pipe is the matter.
struct Pair {
    Descriptor read;
    Descriptor write;
};

Pair pipe_pair() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

Pair socket_pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::string read_all(const Descriptor& from) {
    ::fcntl(from.get(), F_SETFL, O_NONBLOCK);
    std::string text;
    std::array<char, 65'536> buffer{};
    for (;;) {
        const auto size = ::read(from.get(), buffer.data(), buffer.size());
        if (size <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

} // namespace

TEST_CASE("a line goes through a pipe, a socket and a file") {
    for (const bool socket : {false, true}) {
        const auto pair = socket ? socket_pair() : pipe_pair();
        LineWriter writer(pair.write.get());
        writer.write("hello\n");
        CHECK(read_all(pair.read) == "hello\n");
    }
    const Descriptor file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    REQUIRE(file);
    LineWriter writer(file.get());
    writer.write("one\n");
    writer.write("two\n");
    ::lseek(file.get(), 0, SEEK_SET);
    CHECK(read_all(file) == "one\ntwo\n");
}

TEST_CASE("a full pipe does not block, and keeps its blocking mode") {
    for (const bool socket : {false, true}) {
        const auto pair = socket ? socket_pair() : pipe_pair();
        LineWriter writer(pair.write.get());
        const std::string line(1'000, 'x');
        for (int i = 0; i < 2'000; ++i) writer.write(line + "\n");
        CHECK(writer.has_kept());
        CHECK(writer.take_dropped() > 0);
        CHECK((::fcntl(pair.write.get(), F_GETFL) & O_NONBLOCK) == 0);

        writer.take_dropped();
        // What was kept may be a little more than the pipe takes at once.
        for (int i = 0; i < 3; ++i) {
            read_all(pair.read);
            writer.flush();
        }
        writer.write("last\n");
        CHECK_FALSE(writer.has_kept());
        const auto rest = read_all(pair.read);
        CHECK(rest.ends_with("last\n"));
        CHECK(writer.take_dropped() == 0);
    }
}

TEST_CASE("without a reader, or on a full disk, lines are counted as dropped") {
    auto pair = pipe_pair();
    LineWriter to_nobody(pair.write.get());
    pair.read = {};
    const auto old = ::signal(SIGPIPE, SIG_IGN);
    to_nobody.write("lost\n");
    ::signal(SIGPIPE, old);
    CHECK(to_nobody.take_dropped() == 1);

    const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    LineWriter to_full(full.get());
    to_full.write("lost\n");
    CHECK(to_full.take_dropped() == 1);

    LineWriter to_closed(999);
    to_closed.write("lost\n");
    CHECK(to_closed.take_dropped() == 1);
}

TEST_CASE("a line is at most what a pipe takes whole") {
    const auto pair = pipe_pair();
    LineWriter writer(pair.write.get());
    writer.write(std::string(10'000, 'x') + "\n");
    const auto text = read_all(pair.read);
    CHECK(text.size() == PIPE_BUF);
    CHECK(text.ends_with("x...\n"));
}

} // namespace sluice::os
