#include "fpm_generation.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>

#include "init/fpm/fastcgi.h"
#include "init/fpm/pool_sockets.h"
#include "tests/integration/await.h"

namespace tests {

namespace asio = boost::asio;
namespace fpm = sluice::fpm;
namespace net = sluice::net;

namespace {

std::string users_config(const TempFolder& folder, const FpmPool& pool, const net::Wanted& wanted) {
    std::string text = "[global]\nerror_log = " + folder.path("fpm.log") + "\n[www]\n";
    if (::getuid() == 0) text += "user = www-data\ngroup = www-data\n";
    text += "listen = " + net::to_string(wanted.endpoint) + "\n";
    if (!pool.allowed_clients.empty())
        text += "listen.allowed_clients = " + pool.allowed_clients + "\n";
    text += "pm = " + pool.pm + "\npm.max_children = " + std::to_string(pool.max_children) + "\n";
    return text + pool.lines + "\n";
}

fpm::Sockets planned(const FpmPool& pool, const net::Wanted& wanted, const fpm::Needs& needs) {
    fpm::Pool www;
    www.name = "www";
    www.listen = net::to_string(wanted.endpoint);
    www.allowed_clients = pool.allowed_clients;
    www.pm = pool.pm.substr(0, pool.pm.find('\n'));
    www.max_children = pool.max_children;
    www.start_servers = www.min_spare_servers = 1; // as the tests' dynamic pool has it
    www.max_spare_servers = 2;
    fpm::EffectiveConfig config;
    config.pools = {www};
    const fpm::Machine machine{
        .hosts = {}, .ipv6 = {}, .user_id = {}, .group_id = {}, .token = "0123456789abcdef"};
    return fpm::plan_sockets(config, machine, true, needs);
}

std::string body(asio::io_context& loop, const std::shared_ptr<fpm::Connection>& connection,
                 const std::string& script) {
    std::optional<fpm::Reply> reply;
    connection->ask(
        fpm::encode_request(
            {{"SCRIPT_FILENAME", script}, {"SCRIPT_NAME", "/" + script}, {"REQUEST_METHOD", "GET"}},
            "", fpm::AfterReply::close_connection),
        [&reply](const fpm::Reply& came) { reply = came; });
    REQUIRE(run_until(loop, [&] { return reply.has_value(); }));
    connection->close();
    const auto page = fpm::parse_page(reply->output);
    return page ? page->body : "";
}

constexpr std::size_t most = 65'536;

} // namespace

FpmGeneration::FpmGeneration(const TempFolder& folder, const FpmPool& pool,
                             const net::Wanted& wanted, const net::Listener& listener,
                             const fpm::Needs& needs) {
    const auto sockets = planned(pool, wanted, needs);
    if (!sockets.pings.empty()) ping_path_ = sockets.pings.front().path;
    const auto users = folder.write("php-fpm.conf", users_config(folder, pool, wanted));
    const auto include = fpm::include_of(users);
    REQUIRE(include);
    const auto text = fpm::wrapper_config(*include, std::chrono::seconds(5), sockets.overrides);
    const int passed = listener.descriptor();
    // Each has a file of its own: the other one may not have read its yet.
    const auto wrapper = folder.write("wrapper" + std::to_string(passed) + ".conf", text);
    const auto variable = sockets.listeners.front().key + "=" + std::to_string(passed);
    master_ = ::fork();
    REQUIRE(master_ >= 0);
    if (master_ == 0) {
        ::fcntl(passed, F_SETFD, 0);
        ::setenv("FPM_SOCKETS", variable.c_str(), 1);
        const int quiet = ::open(folder.path("stderr").c_str(), O_WRONLY | O_CREAT, 0644);
        ::dup2(quiet, 2);
        ::execl("/usr/sbin/php-fpm8.2", "php-fpm8.2", "-d", "opcache.enable=1", "-d",
                "opcache.validate_timestamps=0", "-y", wrapper.c_str(), nullptr);
        ::_exit(127);
    }
}

FpmGeneration::~FpmGeneration() {
    // In its first 40 ms TERM ends it as well.
    ::kill(master_, SIGTERM);
    const bool gone =
        eventually([this] { return ::waitpid(master_, nullptr, WNOHANG) == master_; });
    if (!gone) ::kill(master_, SIGKILL);
}

fpm::Entrance FpmGeneration::entrance(const net::Address& address) const {
    return entrance_of(*address.way_in());
}

fpm::Entrance FpmGeneration::entrance_of(const net::WayIn& way_in) const {
    return {.pool = "www", .way_in = way_in, .ping_path = ping_path_, .ping_response = "pong"};
}

int FpmGeneration::workers() const {
    const auto task = std::to_string(master_);
    std::istringstream children(read_file("/proc/" + task + "/task/" + task + "/children"));
    int count = 0;
    for (pid_t child = 0; children >> child;) ++count;
    return count;
}

bool run_until(asio::io_context& loop, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        loop.restart();
        loop.run_one_for(5ms);
    }
    return true;
}

std::string body_of(asio::io_context& loop, net::OwnConnection connection,
                    const std::string& script) {
    auto made = std::make_shared<fpm::Connection>(loop, most);
    made->open(std::move(connection));
    return body(loop, made, script);
}

std::string body_of(asio::io_context& loop, const net::Endpoint& endpoint,
                    const std::string& script) {
    auto made = std::make_shared<fpm::Connection>(loop, most);
    made->open(endpoint);
    return body(loop, made, script);
}

} // namespace tests
