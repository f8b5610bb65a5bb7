#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice::fpm {

/// php-fpm's own command line, without the program's name.
struct Arguments {
    bool only_tells = false;           // -t, -v, -m, -i, -h: says something and exits
    std::optional<std::string> config; // -y
    std::vector<std::string> others;   // all but -y, -D and -F, one option an entry
};

/// Reads it as FPM does (php_getopt): options in one word ("-FR"), values apart or attached
/// ("-d a=b", "-da=b", "--fpm-config=FILE"), up to the first word that is no option. What it does
/// not know is kept as it came.
Arguments parse_arguments(const std::vector<std::string>& words);

/// The words that start FPM in the foreground with this config file (empty: its own).
std::vector<std::string> foreground(const Arguments& arguments, const std::string& config);

/// The words that have FPM check this config file (empty: its own) and exit: -t.
std::vector<std::string> check(const Arguments& arguments, const std::string& config);

/// The same, and say what it understood: -tt. It says that in the error_log as well.
std::vector<std::string> tell(const Arguments& arguments, const std::string& config);

} // namespace sluice::fpm
