#include "config/syntax.h"

#include <algorithm>
#include <utility>

#include "config/file_reading.h"
#include "config/keys.h"
#include "config/quote.h"

namespace sluice::config {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// A file of ours needs two dots in a line, outside strings; arrays and inline tables multiply it.
constexpr int most_dots = 100;

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
}

std::size_t offset_of(std::string_view line, std::uint32_t column) {
    std::size_t at = 0;
    for (std::uint32_t passed = 1; passed < column && at < line.size(); ++passed) {
        ++at;
        while (at < line.size() && continues_character(line[at])) ++at;
    }
    return at;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// Dots outside the strings and the comment of a line.
int dots_outside_strings(std::string_view line) {
    int dots = 0;
    char quote = 0;
    for (std::size_t at = 0; at < line.size(); ++at) {
        const char c = line[at];
        if (quote != 0) {
            if (c == '\\' && quote == '"') ++at;
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '#') {
            break;
        } else if (c == '.') {
            ++dots;
        }
    }
    return dots;
}

int all_dots(std::string_view line) {
    return static_cast<int>(std::ranges::count(line, '.'));
}

// The number of the first line that may nest too deep; 0: there is none. Strings of several lines
// are not followed: where the file has one, the dots within strings count as well.
std::uint32_t too_deep(std::string_view text) {
    const bool multi_line =
        text.find(R"(""")") != std::string_view::npos || text.find("'''") != std::string_view::npos;
    std::uint32_t number = 0;
    while (!text.empty()) {
        ++number;
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        if ((multi_line ? all_dots(line) : dots_outside_strings(line)) > most_dots) return number;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return 0;
}

// "headers" for "[reload.warmup.headers]"
std::string_view last_part_of_header(std::string_view line) {
    line = trimmed(line.substr(0, line.find('#')));
    const auto last = line.find_last_not_of("] \t");
    if (!line.starts_with('[') || last == std::string_view::npos) return {};
    line = line.substr(0, last + 1);
    return trimmed(line.substr(line.find_last_of("[.") + 1));
}

// The name of the table that this line belongs to.
std::string_view table_around(const Lines& lines, std::uint32_t number) {
    for (; number > 0; --number)
        if (const auto name = last_part_of_header(lines.line(number)); !name.empty()) return name;
    return {};
}

// True for a part of a dotted name that is the name of such a key.
template <class Condition>
bool any_part_is(std::string_view name, Condition condition) {
    const auto is_key = [condition](std::string_view part) {
        return std::ranges::any_of(keys(), [part, condition](const Key& key) {
            return name_in_section(key) == part && condition(key);
        });
    };
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
        if (is_key(trimmed(name.substr(0, dot)))) return true;
        name.remove_prefix(dot + 1);
    }
    return is_key(trimmed(name));
}

// `; put the value into quotes: deadline = "8s"`, if that is what the line lacks.
std::string missing_quotes(const Lines& lines, std::uint32_t number) {
    const auto line = lines.line(number);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return {};
    const auto key = trimmed(line.substr(0, equals));
    auto value = line.substr(equals + 1);
    value = trimmed(value.substr(0, value.find('#')));
    constexpr std::string_view structure = "\"'[]{}=";
    if (key.empty() || key.find_first_of(structure) != std::string_view::npos) return {};
    if (key.find_first_of("+ ") != std::string_view::npos)
        return "; put the key into quotes: " + quoted(key) + " = ...";
    if (value.empty() || value.find_first_of(structure) != std::string_view::npos) return {};
    if (any_part_is(key, [](const Key& known) { return known.type == Type::number; })) return {};
    const auto is_secret = [](const Key& known) { return known.secret; };
    const bool secret =
        any_part_is(key, is_secret) || any_part_is(table_around(lines, number), is_secret);
    return "; put the value into quotes: " + shown(key) + " = " +
           (secret ? R"("...")" : quoted(value));
}

} // namespace

Lines::Lines(std::string_view text) {
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        lines_.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::string_view Lines::line(std::uint32_t number) const {
    return number == 0 || number > lines_.size() ? std::string_view{} : lines_[number - 1];
}

std::string_view Lines::part(std::uint32_t line_number, std::uint32_t first,
                             std::uint32_t end) const {
    const auto whole = line(line_number);
    const auto begin = offset_of(whole, first);
    return whole.substr(begin, offset_of(whole.substr(begin), end - first + 1));
}

std::optional<Problem> unreadable(const File& file) {
    if (const auto nul = file.text.find('\0'); nul != std::string::npos) {
        const auto line = std::ranges::count(std::string_view(file.text).substr(0, nul), '\n') + 1;
        return Problem{
            escaped(file.path) + ":" + std::to_string(line), "",
            "holds a NUL byte, so it is no text file; name the right file, or save it as "
            "UTF-8"};
    }
    if (const auto line = too_deep(file.text); line != 0)
        return Problem{escaped(file.path) + ":" + std::to_string(line), "",
                       "more than " + std::to_string(most_dots) +
                           " dots in one line, which would nest tables too deep; a key has two "
                           "dots at the most, and an array may have a line for each item"};
    return {};
}

Problem syntax_problem(const File& file, Position position, std::string_view description) {
    const Lines lines(file.text);
    std::string message = "not valid TOML: " + escaped(description);
    message += missing_quotes(lines, position.line);
    return {place(file.path, position), "", std::move(message)};
}

} // namespace sluice::config
