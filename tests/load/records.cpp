#include "tests/load/records.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <system_error>

namespace load {
namespace {

double milliseconds(Clock::duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

} // namespace

Records::Records(const std::string& path)
    : origin_(Clock::now()),
      wall_(std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::system_clock::now().time_since_epoch())) {
    if (path.empty()) return;
    file_.reset(std::fopen(path.c_str(), "we"));
    if (!file_) throw std::system_error(errno, std::generic_category(), path);
    std::setvbuf(file_.get(), nullptr, _IOLBF, 0);
    std::fputs("begun,connect_ms,total_ms,target,method,verdict,version,pid,file\n", file_.get());
}

void Records::add(const Finding& finding, const Exchange& exchange, const std::string& target) {
    if (!file_) return;
    const auto begun =
        wall_ + std::chrono::duration_cast<std::chrono::microseconds>(exchange.begun - origin_);
    const std::string path = target.substr(0, target.find('?'));
    std::fprintf(file_.get(), "%lld.%06lld,%.3f,%.3f,%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%s\n",
                 static_cast<long long>(begun.count() / 1'000'000),
                 static_cast<long long>(begun.count() % 1'000'000),
                 milliseconds(exchange.connect_time), milliseconds(exchange.total_time),
                 path.c_str(), exchange.post ? "POST" : "GET", name_of(finding.verdict),
                 finding.origin.version, finding.origin.pid, finding.origin.file.c_str());
}

} // namespace load
