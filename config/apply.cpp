#include "config/apply.h"

#include <algorithm>

#include "config/apply_rule.h"
#include "config/apply_value.h"
#include "config/file_reading.h"
#include "config/hint.h"
#include "config/keys.h"
#include "config/quote.h"

namespace sluice::config {

namespace {

std::string in_message(const std::string& name) {
    return name.empty() ? R"("")" : shown(name);
}

bool is_table(const Value& value) {
    return value.type == Value::Type::table;
}

// A name with a dot in it, which has to be quoted, is none of ours: "warmup.script" below [reload]
// is not the key of that name.
std::string full_name(std::string_view section, const std::string& name) {
    if (name.find('.') != std::string::npos) return {};
    return section.empty() ? name : std::string(section) + "." + name;
}

bool may_be_section(const Value& value) {
    const bool tables =
        value.type == Value::Type::array && !value.items.empty() && is_table(value.items.front());
    return is_table(value) || tables;
}

class Application {
  public:
    explicit Application(FileReading& file) : file_(file) {}

    void add_root(const Document& document) {
        for (const auto& member : document) {
            const auto* const section = find_section(full_name({}, member.name));
            if (section == nullptr)
                file_.refuse(member.position, in_message(member.name),
                             is_table(member.value) ? unknown_section({}, member.name)
                                                    : unknown_key({}, member.name));
            else if (!is_table(member.value))
                file_.refuse(member.position, member.name,
                             description(member.value) + " is not a section; write " +
                                 header_of(*section) + below);
            else
                add_table(*section, member.name, member.value);
        }
    }

  private:
    static constexpr auto below = " on a line of its own and its keys below it";

    // `name` is the section's, with the number of the entry.
    void add_table(const Section& section, const std::string& name, const Value& table) {
        for (const auto& member : table.members) {
            const auto full = full_name(section.name, member.name);
            if (section.name == "signals")
                apply_rule(member, file_);
            else if (const auto* const nested = find_section(full))
                add_array(*nested, member);
            else if (const auto* const key = find_key(full))
                apply_value(*key, name + "." + member.name, member.value, file_);
            else
                file_.refuse(member.position, name + "." + in_message(member.name),
                             may_be_section(member.value)
                                 ? unknown_section(section.name, member.name)
                                 : unknown_key(section.name, member.name));
        }
    }

    void add_array(const Section& section, const Member& array) {
        const std::string name(section.name);
        if (array.value.type == Value::Type::array) return add_entries(section, array.value);
        if (!is_table(array.value))
            return file_.refuse(array.position, name,
                                description(array.value) + " is not an array of tables; write " +
                                    header_of(section) + below);
        file_.refuse(array.position, name,
                     "there may be several, so it is an array of tables; write " +
                         header_of(section) + ", with two brackets on each side");
        add_entry(section, 1, array.value);
    }

    void add_entries(const Section& section, const Value& array) {
        const std::string name(section.name);
        std::size_t number = 0;
        for (const auto& item : array.items) {
            if (!is_table(item))
                return file_.refuse(item.position, name,
                                    "an entry is " + description(item) +
                                        "; every entry is a table, so write " + header_of(section) +
                                        below);
            if (++number > most_entries)
                return file_.refuse(item.position, name,
                                    "has more than " + std::to_string(most_entries) +
                                        " entries; remove some");
            add_entry(section, number, item);
        }
    }

    void add_entry(const Section& section, std::size_t number, const Value& table) {
        const auto name = std::string(section.name) + "[" + std::to_string(number) + "]";
        section.add_entry(file_.settings());
        for (const auto& key : keys()) {
            if (section_of(key) != section.name || !key.required) continue;
            const auto key_name = name_in_section(key);
            if (std::ranges::count(table.members, key_name, &Member::name) == 0)
                file_.refuse(table.position, name + "." + std::string(key_name),
                             "is missing, and every " + header_of(section) + " needs it; write " +
                                 allowed(key));
        }
        add_table(section, name, table);
    }

    FileReading& file_;
};

} // namespace

void apply(const Document& document, const std::string& path, Reading& reading) {
    FileReading file(path, reading);
    Application(file).add_root(document);
}

} // namespace sluice::config
