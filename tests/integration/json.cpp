#include "json.h"

#include <cctype>
#include <stdexcept>
#include <string_view>

namespace tests {

namespace {

class Parser {
  public:
    explicit Parser(std::string_view text) : rest_(text) {}

    std::map<std::string, std::string> whole() {
        auto members = object();
        blanks();
        if (!rest_.empty()) fail();
        return members;
    }

  private:
    [[noreturn]] static void fail() { throw std::invalid_argument("not JSON"); }

    void blanks() {
        while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_[0]) != rest_.npos)
            rest_.remove_prefix(1);
    }

    bool take(char c) {
        blanks();
        if (rest_.empty() || rest_[0] != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    void expect(char c) {
        if (!take(c)) fail();
    }

    char next() {
        if (rest_.empty()) fail();
        const char c = rest_[0];
        rest_.remove_prefix(1);
        return c;
    }

    std::map<std::string, std::string> object() {
        std::map<std::string, std::string> members;
        expect('{');
        if (take('}')) return members;
        do {
            auto name = string();
            expect(':');
            if (!members.emplace(std::move(name), value()).second) fail();
        } while (take(','));
        expect('}');
        return members;
    }

    std::string value() {
        blanks();
        if (rest_.empty()) fail();
        if (rest_[0] == '"') return string();
        const auto before = rest_;
        if (rest_[0] == '{') {
            object();
        } else if (rest_[0] == '[') {
            array();
        } else {
            literal();
        }
        return std::string(before.substr(0, before.size() - rest_.size()));
    }

    void array() {
        expect('[');
        if (take(']')) return;
        do {
            value();
        } while (take(','));
        expect(']');
    }

    void literal() {
        for (const std::string_view word : {"true", "false", "null"}) {
            if (!rest_.starts_with(word)) continue;
            rest_.remove_prefix(word.size());
            return;
        }
        if (rest_.starts_with('-')) rest_.remove_prefix(1);
        if (rest_.starts_with('0')) {
            rest_.remove_prefix(1);
        } else {
            digits();
        }
        if (rest_.starts_with('.')) {
            rest_.remove_prefix(1);
            digits();
        }
        if (rest_.starts_with('e') || rest_.starts_with('E')) {
            rest_.remove_prefix(1);
            if (rest_.starts_with('+') || rest_.starts_with('-')) rest_.remove_prefix(1);
            digits();
        }
    }

    void digits() {
        if (rest_.empty() || !is_digit(rest_[0])) fail();
        while (!rest_.empty() && is_digit(rest_[0])) rest_.remove_prefix(1);
    }

    static bool is_digit(char c) { return c >= '0' && c <= '9'; }

    std::string string() {
        expect('"');
        std::string text;
        for (;;) {
            const char c = next();
            if (c == '"') return text;
            if (static_cast<unsigned char>(c) < 0x20) fail();
            if (c == '\\') {
                text += escape();
            } else if (static_cast<unsigned char>(c) < 0x80) {
                text += c;
            } else {
                text += c + continuation(static_cast<unsigned char>(c));
            }
        }
    }

    std::string escape() {
        const char c = next();
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
        if (const auto at = letters.find(c); at != letters.npos) return {meant[at]};
        if (c != 'u') fail();
        std::string digits;
        for (int i = 0; i < 4; ++i) {
            digits += next();
            if (std::isxdigit(static_cast<unsigned char>(digits.back())) == 0) fail();
        }
        const int code = std::stoi(digits, nullptr, 16);
        return code < 0x80 ? std::string(1, static_cast<char>(code)) : "\\u" + digits;
    }

    // What must follow the first byte of a character in UTF-8.
    std::string continuation(unsigned char first) {
        const int more = first >= 0xf0 && first < 0xf5   ? 3
                         : first >= 0xe0 && first < 0xf0 ? 2
                         : first >= 0xc2 && first < 0xe0 ? 1
                                                         : 0;
        if (more == 0) fail();
        std::string bytes;
        for (int i = 0; i < more; ++i) {
            bytes += next();
            if ((static_cast<unsigned char>(bytes.back()) & 0xc0U) != 0x80U) fail();
        }
        return bytes;
    }

    std::string_view rest_;
};

} // namespace

std::optional<std::map<std::string, std::string>> parse_object(const std::string& text) {
    try {
        return Parser(text).whole();
    } catch (const std::invalid_argument&) {
        return {};
    }
}

} // namespace tests
