#include "init/nginx/listens.h"

#include <algorithm>
#include <array>
#include <map>

#include "init/core/lines.h"
#include "init/nginx/syntax.h"

namespace sluice::nginx {

namespace {

using Directives = std::vector<Directive>;

// Far above any configuration, far below what takes long.
constexpr int most_includes = 4'096;
constexpr std::size_t most_listens = 8'192;
constexpr int deepest_include = 16;

// As glob(3) matches one name, without classes of characters: "*" and "?" stop at a slash, and do
// not begin a hidden file's name.
bool matches(std::string_view pattern, std::string_view name) {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star = std::string_view::npos;
    std::size_t retry = 0;
    const auto fits = [&](std::size_t at) {
        const bool hidden = name[at] == '.' && (at == 0 || name[at - 1] == '/');
        return name[at] != '/' && !hidden;
    };
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = n;
        } else if (p < pattern.size() &&
                   (pattern[p] == name[n] || (pattern[p] == '?' && fits(n)))) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos && fits(retry)) {
            p = star + 1;
            n = ++retry;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// The files of a dump. A comment may look like a file's header, as in a file that was made by
// `nginx -T` itself; nginx prints each file once, so a name that comes again is such a comment.
class Files {
  public:
    explicit Files(std::string_view output) {
        constexpr std::string_view before = "# configuration file ";
        std::string* current = nullptr;
        while (!output.empty()) {
            const auto line = core::take_line(output);
            if (line.starts_with(before) && line.ends_with(':') &&
                line.size() > before.size() + 1) {
                const auto name =
                    std::string(line.substr(before.size(), line.size() - before.size() - 1));
                if (main_.empty()) main_ = name;
                const auto [place, added] = texts_.try_emplace(name);
                if (added) current = &place->second;
                if (added) continue;
            }
            if (current != nullptr) current->append(line).append("\n");
        }
    }

    const std::string& main() const { return main_; }

    // Those that an include names, sorted as glob sorts them. Nothing where a file is missing.
    std::optional<std::vector<std::string>> named(const std::string& include) const {
        const auto path =
            include.starts_with('/') ? include : main_.substr(0, main_.rfind('/') + 1) + include;
        if (texts_.contains(path)) return std::vector{path};
        if (path.find_first_of("*?[") == std::string::npos) return {};
        if (path.find('[') != std::string::npos) return {}; // seldom, and not understood
        std::vector<std::string> found;
        for (const auto& [name, text] : texts_) {
            if (matches(path, name)) found.push_back(name);
        }
        return found;
    }

    // Null where it cannot be read.
    const Directives* contents(const std::string& name) {
        auto [place, added] = parsed_.try_emplace(name);
        if (added) place->second = parse(texts_.at(name));
        return place->second ? &*place->second : nullptr;
    }

  private:
    std::string main_;
    std::map<std::string, std::string> texts_;
    std::map<std::string, std::optional<Directives>> parsed_;
};

enum class Context { main, http, other_servers, server };

class Reader {
  public:
    explicit Reader(Files& files) : files_(files) {}

    bool read_file(const std::string& name, Context context, int depth) {
        if (depth > deepest_include || ++includes_ > most_includes) return false;
        const auto* const contents = files_.contents(name);
        return contents != nullptr && read(*contents, context, depth);
    }

    bool read(const Directives& directives, Context context, int depth) {
        return std::ranges::all_of(directives,
                                   [&](const Directive& one) { return take(one, context, depth); });
    }

    Configuration configuration;

  private:
    bool take(const Directive& one, Context context, int depth) {
        const auto& name = one.words.front();
        if (name == "include" && one.words.size() == 2)
            return include(one.words[1], context, depth);
        switch (context) {
        case Context::main:
            if (name == "daemon" && one.words.size() == 2) {
                configuration.foreground = one.words[1] == "off";
            }
            if (!one.block) return true;
            if (name == "http") return read(one.inside, Context::http, depth);
            if (name == "stream" || name == "mail") {
                return read(one.inside, Context::other_servers, depth);
            }
            return true;
        case Context::http:
        case Context::other_servers:
            return name != "server" || !one.block || server(one, context, depth);
        case Context::server:
            if (name == "listen" && one.words.size() > 1) {
                configuration.listens.push_back(
                    {one.words[1], {one.words.begin() + 2, one.words.end()}});
            }
            return configuration.listens.size() <= most_listens;
        }
        return true;
    }

    bool server(const Directive& one, Context context, int depth) {
        const auto before = configuration.listens.size();
        if (!read(one.inside, Context::server, depth)) return false;
        if (context == Context::http && configuration.listens.size() == before) {
            configuration.bare_server = true;
        }
        return true;
    }

    bool include(const std::string& pattern, Context context, int depth) {
        const auto names = files_.named(pattern);
        if (!names) return false;
        return std::ranges::all_of(
            *names, [&](const std::string& name) { return read_file(name, context, depth + 1); });
    }

    Files& files_;
    int includes_ = 0;
};

} // namespace

std::optional<Configuration> read_configuration(std::string_view output,
                                                const std::string& directives) {
    Files files(output);
    if (files.main().empty()) return {};
    Reader reader(files);
    // nginx reads those of -g first, and refuses what stands in both.
    const auto given = parse(directives);
    if (!given || !reader.read(*given, Context::main, 0)) return {};
    if (!reader.read_file(files.main(), Context::main, 0)) return {};
    return std::move(reader.configuration);
}

} // namespace sluice::nginx
