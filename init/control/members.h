#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::control {

/// Takes the members of one JSON object and remembers whether each was there and of its type, so
/// that the caller asks once.
class Members {
  public:
    explicit Members(const boost::json::object& object) : object_(object) {}

    std::string text(std::string_view key) {
        const auto* const value = find(key);
        const auto* const text = value != nullptr ? value->if_string() : nullptr;
        if (text == nullptr) whole_ = false;
        return text == nullptr ? std::string() : std::string(*text);
    }

    bool flag(std::string_view key) {
        const auto* const value = find(key);
        const auto* const flag = value != nullptr ? value->if_bool() : nullptr;
        if (flag == nullptr) whole_ = false;
        return flag != nullptr && *flag;
    }

    /// Neither below 0 nor above what an int holds.
    int number(std::string_view key) {
        const auto* const value = find(key);
        const auto* const number = value != nullptr ? value->if_int64() : nullptr;
        if (number == nullptr || *number < 0 || *number > std::numeric_limits<int>::max()) {
            whole_ = false;
            return 0;
        }
        return static_cast<int>(*number);
    }

    /// null: nothing.
    std::optional<int> count(std::string_view key) {
        const auto* const value = find(key);
        if (value != nullptr && value->is_null()) return {};
        return number(key);
    }

    /// Milliseconds from 0 to a hundred years: no sum of a few overflows.
    std::chrono::milliseconds duration(std::string_view key) {
        constexpr std::chrono::milliseconds longest = std::chrono::years(100);
        const auto* const value = find(key);
        const auto* const number = value != nullptr ? value->if_int64() : nullptr;
        if (number == nullptr || *number < 0 || *number > longest.count()) {
            whole_ = false;
            return {};
        }
        return std::chrono::milliseconds(*number);
    }

    const boost::json::object* object(std::string_view key) {
        const auto* const value = find(key);
        const auto* const object = value != nullptr ? value->if_object() : nullptr;
        if (object == nullptr) whole_ = false;
        return object;
    }

    const boost::json::array* array(std::string_view key) {
        const auto* const value = find(key);
        const auto* const array = value != nullptr ? value->if_array() : nullptr;
        if (array == nullptr) whole_ = false;
        return array;
    }

    bool has(std::string_view key) const { return find(key) != nullptr; }

    bool is_null(std::string_view key) const {
        const auto* const value = find(key);
        return value != nullptr && value->is_null();
    }

    bool whole() const { return whole_; }

    /// What was read is wrong for a reason that the caller sees.
    void refuse() { whole_ = false; }

  private:
    const boost::json::value* find(std::string_view key) const { return object_.if_contains(key); }

    const boost::json::object& object_;
    bool whole_ = true;
};

} // namespace sluice::control
