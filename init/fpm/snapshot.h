#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::fpm {

/// Where a configuration is read from.
struct Files {
    /// A file's whole text; nothing: it cannot be had.
    std::function<std::optional<std::string>(const std::string& path)> read;
    /// As glob() with GLOB_MARK and in its order: a folder ends with "/". Empty: there is none;
    /// nothing: it cannot be told.
    std::function<std::optional<std::vector<std::string>>(const std::string& pattern)> match;
    std::string prefix; // FPM's, for a relative include
};

/// A configuration's text with the included files in the place of each include.
struct Snapshot {
    std::string text;                   // ends with a newline
    bool relative = false;              // some include is relative: it hangs on the prefix
    std::vector<std::string> unmatched; // patterns of includes that nothing matches, absolute

    bool operator==(const Snapshot&) const = default;
};

/// All that a snapshot may be made of; FPM itself knows no limits. Real ones have some KiB.
inline constexpr std::size_t most_snapshot = std::size_t{1'024} * 1'024;
inline constexpr std::size_t most_files = 1'000;

/// How deep FPM includes, the first file counted (fpm_conf.c).
inline constexpr int most_levels = 5;

/// Expands the includes of the file as FPM does (fpm_conf.c, fpm_conf_load_ini_file()): line by
/// line, each of which is parsed by itself, so that what has no include in it may stay as it is;
/// the files that the include's pattern matches come after its line, and a section goes on into
/// them and out of them. Where it is not certain what FPM would understand, or a file cannot be
/// read, there is no snapshot, but a sentence that says why. Pure but for `files`.
std::variant<Snapshot, std::string> take_snapshot(const std::string& config, const Files& files);

/// Has FPM tell its prefix, as a line of a configuration: FPM warns of an include that nothing
/// matches, with its whole path.
std::string prefix_question();

/// The prefix, from what FPM wrote.
std::optional<std::string> prefix_in(const std::string& output);

/// What FPM's prefix probably is: -p, else the folder that its program's "sbin" is in. FPM's own
/// word counts.
std::string likely_prefix(const std::vector<std::string>& arguments, const std::string& program);

} // namespace sluice::fpm
