#include "config/places.h"

#include <algorithm>
#include <utility>

namespace sluice::config {

void Reading::refuse(std::string where, std::string key, std::string message) {
    loaded.problems.push_back({std::move(where), std::move(key), std::move(message)});
}

void Reading::set(const std::string& key, std::string place, std::string origin) {
    places[key] = std::move(place);
    const auto found = std::ranges::find(loaded.origins, key, &Origins::value_type::first);
    if (found == loaded.origins.end())
        loaded.origins.emplace_back(key, std::move(origin));
    else
        found->second = std::move(origin);
}

} // namespace sluice::config
