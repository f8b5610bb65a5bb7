#include "init/nginx/syntax.h"

#include <algorithm>

namespace sluice::nginx {

namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr int deepest = 32; // http, server, location and so on: ten is a lot

bool is_blank(char c) {
    return blanks.find(c) != std::string_view::npos;
}

char unescaped(char c) {
    switch (c) {
    case 't': return '\t';
    case 'r': return '\r';
    case 'n': return '\n';
    default: return c;
    }
}

bool is_escape(char c) {
    return std::string_view("\"'\\trn").find(c) != std::string_view::npos;
}

class Parser {
  public:
    explicit Parser(std::string_view text) : tokens_(text) {}

    // Reads up to the "}" of the block, or to the end of the file at depth 0.
    bool read(std::vector<Directive>& into, int depth) {
        Directive directive;
        for (;;) {
            auto token = tokens_.next();
            switch (token.kind) {
            case Token::Kind::word: directive.words.push_back(std::move(token.text)); break;
            case Token::Kind::end_of_directive:
                if (!directive.words.empty()) into.push_back(std::move(directive));
                directive = {};
                break;
            case Token::Kind::open:
                directive.block = true;
                if (!read_block(directive, depth)) return false;
                into.push_back(std::move(directive));
                directive = {};
                break;
            case Token::Kind::close: return depth > 0;
            case Token::Kind::end: return depth == 0 && directive.words.empty();
            }
        }
    }

  private:
    bool read_block(Directive& directive, int depth) {
        if (directive.words.empty() || depth == deepest) return false;
        if (directive.words.front().ends_with("_by_lua_block")) {
            tokens_.skip_foreign_block();
            return true;
        }
        return read(directive.inside, depth + 1);
    }

    Tokens tokens_;
};

} // namespace

void Tokens::skip_blanks() {
    while (at_ < text_.size()) {
        if (text_[at_] == '#') {
            at_ = std::min(text_.find('\n', at_), text_.size());
        } else if (is_blank(text_[at_])) {
            ++at_;
        } else {
            return;
        }
    }
}

Token Tokens::next() {
    skip_blanks();
    if (at_ >= text_.size()) return {};
    switch (const char c = text_[at_]) {
    case ';': ++at_; return {Token::Kind::end_of_directive, {}};
    case '{': ++at_; return {Token::Kind::open, {}};
    case '}': ++at_; return {Token::Kind::close, {}};
    case '"':
    case '\'': ++at_; return {Token::Kind::word, quoted(c)};
    default: return {Token::Kind::word, bare()};
    }
}

std::string Tokens::quoted(char quote) {
    std::string word;
    while (at_ < text_.size() && text_[at_] != quote) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
            if (!is_escape(text_[at_ + 1])) word += '\\';
            word += is_escape(text_[at_ + 1]) ? unescaped(text_[at_ + 1]) : text_[at_ + 1];
            at_ += 2;
        } else {
            word += text_[at_++];
        }
    }
    if (at_ < text_.size()) ++at_;
    return word;
}

// Up to a blank, ";" or "{"; "${" of a variable, and quotes, braces and "#" within are part of it.
std::string Tokens::bare() {
    std::string word;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '\\' && at_ + 1 < text_.size()) {
            if (!is_escape(text_[at_ + 1])) word += '\\';
            word += is_escape(text_[at_ + 1]) ? unescaped(text_[at_ + 1]) : text_[at_ + 1];
            at_ += 2;
            continue;
        }
        const bool of_variable = c == '{' && word.ends_with('$');
        if (is_blank(c) || c == ';' || (c == '{' && !of_variable)) break;
        word += c;
        ++at_;
    }
    return word;
}

void Tokens::skip_foreign_block() {
    int depth = 1;
    while (at_ < text_.size() && depth > 0) {
        const char c = text_[at_++];
        if (c == '{') ++depth;
        if (c == '}') --depth;
        const auto rest = text_.substr(at_ - 1);
        if (rest.starts_with("--[[") || rest.starts_with("[[")) {
            const auto end = text_.find("]]", at_);
            at_ = end == std::string_view::npos ? text_.size() : end + 2;
        } else if (rest.starts_with("--")) {
            at_ = std::min(text_.find('\n', at_), text_.size());
        } else if (c == '"' || c == '\'') {
            quoted(c);
        }
    }
}

std::optional<std::vector<Directive>> parse(std::string_view text) {
    std::vector<Directive> all;
    if (!Parser(text).read(all, 0)) return {};
    return all;
}

} // namespace sluice::nginx
