#include "init/os/relay.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <string>

#include "init/os/descriptor.h"

namespace sluice::os {

namespace {

// What is written to stderr while this lives.
class Stderr {
  public:
    Stderr() : before_(::dup(STDERR_FILENO)), file_(::memfd_create("stderr", MFD_CLOEXEC)) {
        REQUIRE(::dup2(file_.get(), STDERR_FILENO) == STDERR_FILENO);
    }

    ~Stderr() { ::dup2(before_.get(), STDERR_FILENO); }

    Stderr(const Stderr&) = delete;
    Stderr& operator=(const Stderr&) = delete;

    std::string text() const {
        std::string text(1'000'000, '\0');
        const auto size = ::pread(file_.get(), text.data(), text.size(), 0);
        text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return text;
    }

  private:
    Descriptor before_;
    Descriptor file_;
};

std::string lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "line " + std::to_string(i) + "\n";
    return text;
}

} // namespace

TEST_CASE("what is relayed comes once and in order, however much of it was read before a flush") {
    const auto all = lines(4'500); // 50 KiB, which a pipe holds; a part is 16
    for (int handled = 0; handled < 8; ++handled) {
        CAPTURE(handled);
        boost::asio::io_context loop;
        const Stderr output;
        const auto relay = Relay::make(loop);
        REQUIRE(relay);
        REQUIRE(::write(relay->write_end(), all.data(), all.size()) ==
                static_cast<ssize_t>(all.size()));
        for (int i = 0; i < handled; ++i) loop.poll_one();
        relay->flush();
        loop.poll();
        const auto relayed = output.text();
        CHECK(relayed.size() == all.size());
        CHECK((relayed == all));
        CHECK(relay->last_lines().back() == "line 4499");
    }
}

} // namespace sluice::os
