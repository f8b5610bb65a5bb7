#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "init/fpm/arguments.h"

namespace sluice::fpm {

/// What recognising a command needs to know about the image.
struct Image {
    std::function<bool(const std::string& program)> is_script; // begins with "#!"
    std::function<bool(const std::string& program)> has;       // found by its PATH
};

/// A command that runs FPM.
struct Service {
    std::vector<std::string> wrapper; // what stands before FPM: entrypoint scripts, "--"
    std::string program;              // "php-fpm", "/usr/sbin/php-fpm8.2"
    Arguments arguments;
    // The command has flags only: docker-php-entrypoint puts the program's name before them.
    bool implied = false;
    // A script of the image's own may write FPM's configuration before it starts FPM;
    // docker-php-entrypoint does nothing of the kind.
    bool scripted = false;
};

/// Finds FPM in the place of the program: first, or after wrapper scripts (and a "--" of theirs).
/// After docker-php-entrypoint also with flags only, which then are FPM's. Nothing for any other
/// command, and for one with which FPM only tells something (-t, -v, -m, -i, -h).
std::optional<Service> recognise(const std::vector<std::string>& command, const Image& image);

/// True for a file name like php-fpm, php-fpm8.2 or php-fpm82; not for php-fpm_exporter.
bool is_fpm(const std::string& program);

} // namespace sluice::fpm
