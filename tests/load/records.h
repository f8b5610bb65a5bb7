#pragma once

#include "tests/load/verdict.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

namespace load {

/// A file with one line for each request that has ended, in the order of their ends. Every line is
/// there at once, so that a script can follow. Its columns are in its first line:
///   begun       when the connection was begun (the request, on a kept one): seconds since 1970
///   connect_ms  until connect() was done or had failed; 0 on a kept connection
///   total_ms    until the end
///   target      the path that was asked for, without its query
///   method, verdict, version, pid, file   (for the last three see Origin)
class Records {
  public:
    /// Writes nothing. Where a path is given: throws std::system_error if it cannot be written.
    explicit Records(const std::string& path);

    void add(const Finding& finding, const Exchange& exchange, const std::string& target);

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    std::unique_ptr<std::FILE, Close> file_;
    Clock::time_point origin_;       // an instant by both clocks: this one measures,
    std::chrono::microseconds wall_; // this one is everybody's (since 1970)
};

} // namespace load
