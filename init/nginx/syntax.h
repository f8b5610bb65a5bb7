#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::nginx {

/// One piece of nginx's configuration language.
struct Token {
    enum class Kind { word, end_of_directive, open, close, end } kind = Kind::end;
    std::string text; // of a word, without its quotes
};

/// Cuts a file into tokens as nginx does (ngx_conf_read_token), but forgiving: what nginx would
/// refuse it takes somehow. Never fails, and ends after at most as many tokens as there are bytes.
class Tokens {
  public:
    explicit Tokens(std::string_view text) : text_(text) {}

    Token next();

    /// Past the matching "}" of a block whose "{" has been read and which holds another language
    /// (Lua): only its brackets, strings and comments are looked at.
    void skip_foreign_block();

  private:
    void skip_blanks();
    std::string quoted(char quote);
    std::string bare();

    std::string_view text_;
    std::size_t at_ = 0;
};

/// A directive, with what its block holds.
struct Directive {
    std::vector<std::string> words; // the name first
    bool block = false;             // it has braces
    std::vector<Directive> inside;
};

/// A whole file. Nothing where its braces do not match, or it is nested deeper than any sane one.
std::optional<std::vector<Directive>> parse(std::string_view text);

} // namespace sluice::nginx
