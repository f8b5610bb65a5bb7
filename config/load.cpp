#include "config/load.h"

#include <algorithm>
#include <exception>
#include <utility>

// The tables below are never printed by the library, and its formatters are a quarter of its size.
#define TOML_ENABLE_FORMATTERS 0
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
// Its assertions fail for files that it then refuses in a proper way ("[=]"), and would end PID 1.
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/toml.h>

#include "config/apply.h"
#include "config/check.h"
#include "config/document.h"
#include "config/environment.h"
#include "config/quote.h"
#include "config/syntax.h"

namespace sluice::config {

namespace {

// A number longer than that is of no use in a message.
constexpr std::uint32_t longest_scalar = 100;

Position position_of(const toml::source_position& position) {
    return {position.line, position.column};
}

Value::Type type_of(const toml::node& node) {
    switch (node.type()) {
    case toml::node_type::string: return Value::Type::string;
    case toml::node_type::integer: return Value::Type::integer;
    case toml::node_type::floating_point: return Value::Type::floating;
    case toml::node_type::boolean: return Value::Type::boolean;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return Value::Type::date;
    case toml::node_type::array: return Value::Type::array;
    case toml::node_type::none:
    case toml::node_type::table: break;
    }
    return Value::Type::table;
}

class Reader {
  public:
    explicit Reader(std::string_view text) : lines_(text) {}

    Document read(const toml::table& root) const {
        Document document;
        read_table({}, root, document);
        return document;
    }

  private:
    void read_table(const std::string& section, const toml::table& table,
                    Document& document) const {
        std::vector<std::pair<const toml::key*, const toml::node*>> in_order;
        for (const auto& [key, node] : table)
            in_order.emplace_back(&key, &node);
        std::ranges::sort(in_order, {}, [](const auto& entry) {
            return position_of(entry.first->source().begin);
        });
        for (const auto& [key, node] : in_order) {
            std::string name(key->str());
            document.push_back({section, name, position_of(key->source().begin), value_of(*node)});
            if (const auto* const nested = node->as_table(); nested && section.empty())
                read_table(name, *nested, document);
        }
    }

    Value value_of(const toml::node& node) const {
        Value value{type_of(node), {}, {}, position_of(node.source().begin)};
        if (const auto* const string = node.as_string())
            value.text = string->get();
        else if (const auto* const array = node.as_array())
            value.items = items_of(*array);
        else if (value.type != Value::Type::table)
            value.text = written(node.source());
        return value;
    }

    std::vector<Value> items_of(const toml::array& array) const {
        std::vector<Value> items;
        for (const auto& node : array) {
            // Not deeper: an array in the array is wrong already.
            const bool nested = node.is_array() || node.is_table();
            items.push_back(nested ? Value{type_of(node), {}, {}, position_of(node.source().begin)}
                                   : value_of(node));
            if (!node.is_string()) break;
        }
        return items;
    }

    // The operator's own text is better in a message than the number printed anew, and needs no
    // code for printing floating-point numbers and dates.
    std::string written(const toml::source_region& region) const {
        const auto& [begin, end, path] = region;
        if (begin.line != end.line || end.column > begin.column + longest_scalar) return {};
        return std::string(lines_.part(begin.line, begin.column, end.column));
    }

    Lines lines_;
};

// False where the structure is in doubt, so that nothing else that could be said is certain.
bool read_file(const File& file, Reading& reading) {
    if (auto problem = unreadable(file)) {
        reading.loaded.problems.push_back(std::move(*problem));
        return false;
    }
    const auto result = toml::parse(std::string_view(file.text), std::string_view(file.path));
    if (!result) {
        const auto& error = result.error();
        reading.loaded.problems.push_back(
            syntax_problem(file, position_of(error.source().begin), error.description()));
        return false;
    }
    apply(Reader(file.text).read(result.table()), file.path, reading);
    return true;
}

Reading read(const std::optional<File>& file, const std::vector<std::string>& environment) {
    Reading reading;
    if (file && !read_file(*file, reading)) return reading;
    apply_environment(environment, reading);
    auto& problems = reading.loaded.problems;
    const bool wrong_already = any_error(problems);
    for (auto& problem : check(reading.loaded.settings, reading.places)) {
        // A warning may come from the default that stands in for a value with an error.
        if (problem.warning && wrong_already) continue;
        problems.push_back(std::move(problem));
    }
    return reading;
}

} // namespace

Loaded load(const std::optional<File>& file, const std::vector<std::string>& environment) {
    try {
        return read(file, environment).loaded;
    } catch (const std::exception& error) { // out of memory, if anything
        Loaded failed;
        failed.problems.push_back(
            {file ? escaped(file->path) : "", "", std::string("cannot be read: ") + error.what()});
        return failed;
    }
}

} // namespace sluice::config
