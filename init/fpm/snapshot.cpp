#include "init/fpm/snapshot.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "init/core/lines.h"

namespace sluice::fpm {

namespace {

constexpr std::string_view key = "include";
constexpr std::string_view blanks = " \t";
constexpr std::string_view no_such_file = "sluice-asks-for-the-prefix";

bool is_letter_or_digit(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_of_name(char c) {
    return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
}

// What FPM's scanner takes as it is, and glob() as well (but for * ? and []).
bool is_of_path(char c) {
    constexpr std::string_view marks = "/._-+,@%:*?[]";
    return is_letter_or_digit(c) || marks.find(c) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// "pm.max_children", "php_admin_value[include_path]"
bool is_certain_name(std::string_view name) {
    const auto bracket = name.find('[');
    const auto word = name.substr(0, bracket);
    if (word.empty() || !std::ranges::all_of(word, is_of_name)) return false;
    if (bracket == std::string_view::npos) return true;
    name.remove_prefix(bracket + 1);
    if (!name.ends_with(']')) return false;
    name.remove_suffix(1);
    return std::ranges::all_of(name, is_of_name);
}

// A word without "/" and "." could be a constant's name, "yes", or a number.
bool is_certain_word(std::string_view word) {
    if (word.find('/') != std::string_view::npos) return true;
    return !word.empty() && std::isalpha(static_cast<unsigned char>(word.front())) != 0 &&
           word.find('.') != std::string_view::npos;
}

// What an include is set to, without its quotes and the comment after it; nothing: not certain.
std::optional<std::string> pattern_in(std::string_view value) {
    value = trimmed(value);
    if (value.empty()) return {};
    std::string_view pattern;
    if (const char quote = value.front(); quote == '"' || quote == '\'') {
        const auto end = value.find(quote, 1);
        if (end == std::string_view::npos) return {};
        pattern = value.substr(1, end - 1);
        value.remove_prefix(end + 1);
        const auto is_certain = [](char c) { return is_of_path(c) || c == ' '; };
        if (pattern.empty() || !std::ranges::all_of(pattern, is_certain)) return {};
    } else {
        const auto* const end = std::ranges::find_if_not(value, is_of_path);
        pattern = value.substr(0, static_cast<std::size_t>(end - value.begin()));
        value.remove_prefix(pattern.size());
        if (!is_certain_word(pattern)) return {};
    }
    value = trimmed(value);
    if (!value.empty() && value.front() != ';') return {};
    return std::string(pattern);
}

struct Line {
    enum class Is { other, include, unclear } is = Is::other;
    std::string pattern = {};
};

// A statement begins at a line's beginning, after a carriage return, a byte order mark or the
// bracket that ends a section's name.
Line understand(std::string_view line) {
    using Is = Line::Is;
    if (line.find(key) == std::string_view::npos) return {Is::other};
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos) {
        return {Is::unclear};
    }
    line = trimmed(line);
    if (line.starts_with(';')) return {Is::other};
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return {Is::unclear};
    const auto name = trimmed(line.substr(0, equals));
    if (!is_certain_name(name)) return {Is::unclear};
    if (name != key) return {Is::other};
    auto pattern = pattern_in(line.substr(equals + 1));
    if (!pattern) return {Is::unclear};
    return {Is::include, *std::move(pattern)};
}

class Expansion {
  public:
    explicit Expansion(const Files& files) : files_(files) {}

    std::variant<Snapshot, std::string> of(const std::string& config) {
        take(config, 1);
        if (!why_not_.empty()) return std::move(why_not_);
        return std::move(result_);
    }

  private:
    // False: there will be no snapshot.
    bool give_up(std::string why) {
        why_not_ = std::move(why);
        return false;
    }

    bool take(const std::string& path, int level) {
        if (level > most_levels) return give_up(path + " is included too deep");
        if (++count_ > most_files) {
            return give_up("it is more than " + std::to_string(most_files) + " files");
        }
        const auto text = files_.read(path);
        if (!text) return give_up(path + " cannot be read");
        std::string_view left = *text;
        for (int number = 1; !left.empty(); ++number) {
            if (!take_line(core::take_line(left), path, number, level)) return false;
        }
        return true;
    }

    bool take_line(std::string_view line, const std::string& path, int number, int level) {
        const auto found = understand(line);
        switch (found.is) {
        case Line::Is::other:
            if (result_.text.size() + line.size() >= most_snapshot) {
                return give_up("it is larger than " + std::to_string(most_snapshot / 1'024) +
                               " KiB");
            }
            result_.text.append(line).append("\n");
            return true;
        case Line::Is::include: return include(found.pattern, level);
        case Line::Is::unclear: break;
        }
        return give_up("what line " + std::to_string(number) + " of " + path +
                       " includes is clear to FPM alone");
    }

    bool include(std::string pattern, int level) {
        if (!pattern.starts_with('/')) {
            pattern = files_.prefix + "/" + pattern;
            result_.relative = true;
        }
        const auto paths = files_.match(pattern);
        if (!paths) return give_up("it cannot be told what " + pattern + " matches");
        if (paths->empty()) result_.unmatched.push_back(pattern);
        for (const auto& path : *paths) {
            if (!path.ends_with('/') && !take(path, level + 1)) return false;
        }
        return true;
    }

    const Files& files_;
    std::size_t count_ = 0;
    std::string why_not_;
    Snapshot result_;
};

} // namespace

std::variant<Snapshot, std::string> take_snapshot(const std::string& config, const Files& files) {
    return Expansion(files).of(config);
}

std::string prefix_question() {
    return std::string(key) + "=" + std::string(no_such_file) + "/it\n";
}

std::optional<std::string> prefix_in(const std::string& output) {
    constexpr std::string_view before = "the include pattern '";
    const auto end = output.find("/" + std::string(no_such_file));
    if (end == std::string::npos) return {};
    const auto start = output.rfind(before, end);
    if (start == std::string::npos) return {};
    return output.substr(start + before.size(), end - start - before.size());
}

std::string likely_prefix(const std::vector<std::string>& arguments, const std::string& program) {
    const auto option = std::ranges::find(arguments, "-p");
    if (option != arguments.end() && option + 1 != arguments.end()) return *(option + 1);
    const auto folder = program.substr(0, program.rfind('/'));
    return folder.substr(0, folder.rfind('/'));
}

} // namespace sluice::fpm
