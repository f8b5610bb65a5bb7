#include "init/fpm/arguments.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::fpm {

namespace {

struct Option {
    char letter;
    bool takes_value;
    std::string_view name;
};

// sapi/fpm/fpm/fpm_main.c, OPTIONS; the same from PHP 7.4 to 8.4.
constexpr std::array known{
    Option{'c', true, "php-ini"},
    Option{'d', true, "define"},
    Option{'e', false, "profile-info"},
    Option{'h', false, "help"},
    Option{'i', false, "info"},
    Option{'m', false, "modules"},
    Option{'n', false, "no-php-ini"},
    Option{'?', false, "usage"},
    Option{'v', false, "version"},
    Option{'p', true, "prefix"},
    Option{'g', true, "pid"},
    Option{'y', true, "fpm-config"},
    Option{'t', false, "test"},
    Option{'D', false, "daemonize"},
    Option{'F', false, "nodaemonize"},
    Option{'O', false, "force-stderr"},
    Option{'R', false, "allow-to-run-as-root"},
};

class Parser {
  public:
    explicit Parser(const std::vector<std::string>& words) : words_(words) {}

    Arguments parse() {
        while (next_ < words_.size()) {
            const std::string_view word = words_[next_];
            if (word.size() < 2 || word.front() != '-' || word == "--") break;
            ++next_;
            if (word.starts_with("--")) {
                take_long(word.substr(2));
            } else {
                take_short(word.substr(1));
            }
        }
        result_.others.insert(result_.others.end(), words_.begin() + static_cast<long>(next_),
                              words_.end());
        return result_;
    }

  private:
    void take_long(std::string_view text) {
        const auto equals = text.find('=');
        const auto* const option = std::ranges::find(known, text.substr(0, equals), &Option::name);
        if (option == known.end()) {
            result_.others.push_back("--" + std::string(text));
        } else if (option->takes_value && equals != std::string_view::npos) {
            take(*option, text.substr(equals + 1));
        } else {
            take(*option, option->takes_value ? next_word() : "");
        }
    }

    void take_short(std::string_view letters) {
        while (!letters.empty()) {
            const auto* const option = std::ranges::find(known, letters.front(), &Option::letter);
            if (option == known.end()) {
                result_.others.push_back("-" + std::string(letters));
                return;
            }
            letters.remove_prefix(1);
            if (!option->takes_value) {
                take(*option, "");
                continue;
            }
            if (letters.starts_with('=')) letters.remove_prefix(1);
            take(*option, letters.empty() ? next_word() : letters);
            return;
        }
    }

    std::string_view next_word() {
        return next_ < words_.size() ? std::string_view(words_[next_++]) : std::string_view();
    }

    void take(const Option& option, std::string_view value) {
        switch (option.letter) {
        case 't':
        case 'v':
        case 'm':
        case 'i':
        case 'h':
        case '?': result_.only_tells = true; break;
        case 'y':
            // Without a value it is for FPM to complain of.
            if (value.empty()) result_.others.emplace_back("-y");
            if (!value.empty()) result_.config = std::string(value);
            break;
        case 'D':
        case 'F': break;
        default:
            result_.others.push_back(std::string("-") + option.letter);
            if (option.takes_value) result_.others.emplace_back(value);
        }
    }

    const std::vector<std::string>& words_;
    std::size_t next_ = 0;
    Arguments result_;
};

} // namespace

Arguments parse_arguments(const std::vector<std::string>& words) {
    return Parser(words).parse();
}

std::vector<std::string> foreground(const Arguments& arguments, const std::string& config) {
    std::vector<std::string> words{"-F"};
    if (!config.empty()) words.insert(words.end(), {"-y", config});
    words.insert(words.end(), arguments.others.begin(), arguments.others.end());
    return words;
}

std::vector<std::string> check(const Arguments& arguments, const std::string& config) {
    std::vector<std::string> words{"-t"};
    if (!config.empty()) words.insert(words.end(), {"-y", config});
    words.insert(words.end(), arguments.others.begin(), arguments.others.end());
    return words;
}

std::vector<std::string> tell(const Arguments& arguments, const std::string& config) {
    auto words = check(arguments, config);
    words.front() = "-tt";
    return words;
}

} // namespace sluice::fpm
