#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/load.h"

using namespace sluice::config;
using namespace std::string_literals;

namespace {

using Lines = std::vector<std::string>;

// A folder of its own, removed with all that the test put there.
class Folder {
  public:
    Folder() { REQUIRE(::mkdtemp(name_.data()) != nullptr); }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    ~Folder() {
        for (const auto& path : paths_)
            if (::unlink(path.c_str()) != 0) ::rmdir(path.c_str());
        ::rmdir(name_.c_str());
    }

    std::string path(const std::string& name) {
        paths_.push_back(name_ + "/" + name);
        return paths_.back();
    }

    std::string file(const std::string& name, const std::string& text) {
        auto where = path(name);
        const int fd = ::open(where.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        REQUIRE(fd >= 0);
        REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        ::close(fd);
        return where;
    }

  private:
    std::string name_ = "/tmp/sluice-config-XXXXXX";
    std::vector<std::string> paths_;
};

std::string problem_of(const std::optional<std::string>& option, const Lines& environment) {
    Problems found;
    CHECK_FALSE(find_file(option, environment, found));
    REQUIRE(found.size() == 1);
    CHECK_FALSE(found.front().warning);
    return to_text(found.front());
}

} // namespace

TEST_CASE("the file is found by the option, then the variable") {
    Folder folder;
    const auto one = folder.file("one.toml", "# one");
    const auto two = folder.file("two.toml", "# two");
    Problems found;
    CHECK(find_file(one, {"SLUICE_CONFIG=" + two}, found)->text == "# one");
    CHECK(find_file({}, {"A=b", "SLUICE_CONFIG=" + two}, found)->text == "# two");
    CHECK(find_file({}, {"SLUICE_CONFIG=" + two}, found)->path == two);
    CHECK(find_file("/dev/null", {"SLUICE_CONFIG=" + two}, found)->text.empty());
    CHECK(found.empty());
}

TEST_CASE("only the usual file may be missing") {
    if (::access("/etc/sluice.toml", F_OK) != 0) {
        Problems found;
        CHECK_FALSE(find_file({}, {"SLUICE_CONFIG="}, found));
        CHECK(found.empty());
    }
    const auto message = "cannot be read: No such file or directory; mount it or copy it into the "
                         "image, or name the right path"s;
    CHECK(problem_of("/nowhere.toml", {}) == "/nowhere.toml: --config: " + message);
    CHECK(problem_of({}, {"SLUICE_CONFIG=/nowhere.toml"}) ==
          "/nowhere.toml: SLUICE_CONFIG: " + message);
    CHECK(problem_of("", {}) == "\"\": --config: " + message);
    CHECK(problem_of("/dev/null\0/x"s, {}).find("No such file") != std::string::npos);
}

TEST_CASE("what is no readable file is an error with the next step") {
    Folder folder;
    const auto directory = folder.path("directory");
    REQUIRE(::mkdir(directory.c_str(), 0700) == 0);
    CHECK(problem_of(directory, {}) ==
          directory + ": --config: cannot be read: Is a directory; Docker makes a folder where a "
                      "bind mount's file is missing on the host: create the file there, remove the "
                      "folder, and start again");
    const auto pipe = folder.path("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(problem_of(pipe, {}).find("Invalid argument; it is neither a regular file") !=
          std::string::npos);
    CHECK(problem_of("/dev/zero", {}).find("File too large; a configuration has at most 1 MiB") !=
          std::string::npos);
    if (::geteuid() != 0) {
        const auto secret = folder.file("secret.toml", "");
        REQUIRE(::chmod(secret.c_str(), 0) == 0);
        CHECK(problem_of(secret, {}).find("Permission denied; make the file readable") !=
              std::string::npos);
    }
}

TEST_CASE("a file of 1 MiB is read whole, and one byte more is refused") {
    Folder folder;
    const std::string most(1024UL * 1024, '\n');
    Problems found;
    CHECK(find_file(folder.file("most.toml", most), {}, found)->text == most);
    CHECK(found.empty());
    CHECK(problem_of(folder.file("more.toml", most + "\n"), {}).find("File too large") !=
          std::string::npos);
}
