#include "config/apply_value.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "config/hint.h"
#include "config/quote.h"
#include "config/values.h"

namespace sluice::config {

namespace {

bool is_string(const Value& value) {
    return value.type == Value::Type::string;
}

std::string described(const Key& key, const Value& value) {
    return key.secret ? type_name(value) : description(value);
}

// What the key's parser is to see; nothing where the value's type is wrong already.
std::optional<std::string> text_for(const Key& key, const Value& value) {
    const bool integer = value.type == Value::Type::integer;
    if (key.type == Type::number)
        return integer ? std::optional(std::to_string(value.number)) : std::nullopt;
    // A signal may be given by its number, and a bare number is the natural way to write it.
    if (is_string(value) || (integer && key.type == Type::signal)) return value.text;
    return {};
}

void apply_scalar(const Key& key, const std::string& name, const Value& value, FileReading& file) {
    const auto text = text_for(key, value);
    if (text && key.parse(*text, file.settings())) return file.set(name, value.position);
    file.refuse(value.position, name,
                described(key, value) + " " + refusal(key) + did_you_mean(value.text, key.choices));
}

// Why an item of a list cannot be taken; empty: it can.
std::string objection(const Key& key, const Value& item) {
    if (!is_string(item))
        return "an item is " + description(item) +
               "; every item is a string, so put it into quotes";
    if (item.text.find('\0') != std::string::npos)
        return quoted(item.text) +
               " holds a NUL byte, which no program and no path can have; remove it";
    if (key.type == Type::path_list && !is_absolute_path(item.text))
        return quoted(item.text) + R"( is not an absolute path; write one that begins with "/")";
    return {};
}

void apply_list(const Key& key, const std::string& name, const Value& value, FileReading& file) {
    if (value.type != Value::Type::array)
        return file.refuse(value.position, name, description(value) + " " + refusal(key));
    const auto& items = value.items;
    const bool no_program =
        items.empty() || (is_string(items.front()) && items.front().text.empty());
    if (key.type == Type::string_list && no_program)
        return file.refuse(value.position, name,
                           "there is no program in it; write one as " + std::string(key.example) +
                               ", or remove the key");
    bool right = true;
    for (const auto& item : items) {
        const auto why = objection(key, item);
        if (why.empty()) continue;
        file.refuse(item.position, name, why);
        right = false;
    }
    if (!right) return;
    for (const auto& item : items) key.parse(item.text, file.settings());
    file.set(name, value.position);
}

// PHP sees X-Forwarded-For and x_forwarded_for as the same HTTP_X_FORWARDED_FOR.
std::string as_php_sees(std::string_view name) {
    std::string seen;
    for (const char c : name) {
        const auto upper = std::toupper(static_cast<unsigned char>(c));
        seen += c == '-' ? '_' : static_cast<char>(upper);
    }
    return seen;
}

// Never with the value, which may be a secret.
std::string objection_to_header(const Member& header) {
    if (!is_token(header.name))
        return R"(is not a header's name; write letters, digits and "-", as in "X-Token")";
    if (as_php_sees(header.name) == "CONTENT_LENGTH")
        return "is the length of the body, which sluice counts; remove it";
    if (!is_string(header.value))
        return "the value is " + type_name(header.value) + "; put it into quotes";
    return "the value has a line's end or a NUL byte in it, which no header can have; remove it";
}

void apply_headers(const Key& key, const std::string& name, const Value& value, FileReading& file) {
    if (value.type != Value::Type::table)
        return file.refuse(value.position, name, type_name(value) + " " + refusal(key));
    std::map<std::string, const Member*> seen;
    for (const auto& header : value.members) {
        const auto header_name = name + "." + (header.name.empty() ? R"("")" : shown(header.name));
        const auto [earlier, is_new] = seen.emplace(as_php_sees(header.name), &header);
        const bool wrong_name = !is_token(header.name) || earlier->first == "CONTENT_LENGTH";
        if (!is_new)
            file.refuse(header.position, header_name,
                        "is for PHP the same header as " + shown(earlier->second->name) + " in " +
                            file.place(earlier->second->position) + "; keep one of the two");
        else if (wrong_name || !is_string(header.value) ||
                 !key.parse(header.name + ": " + header.value.text, file.settings()))
            file.refuse(wrong_name ? header.position : header.value.position, header_name,
                        objection_to_header(header));
    }
    if (!value.members.empty()) file.set(name, value.position);
}

} // namespace

void apply_value(const Key& key, const std::string& name, const Value& value, FileReading& file) {
    switch (key.type) {
    case Type::string_list:
    case Type::path_list: return apply_list(key, name, value, file);
    case Type::headers: return apply_headers(key, name, value, file);
    case Type::signal_rules: // its names are no keys: config/apply_rule.h
    case Type::duration:
    case Type::time_limit:
    case Type::backoff:
    case Type::limit:
    case Type::choice:
    case Type::signal:
    case Type::number:
    case Type::path:
    case Type::socket:
    case Type::name:
    case Type::uri:
    case Type::method:
    case Type::text: return apply_scalar(key, name, value, file);
    }
}

} // namespace sluice::config
