#include "config/findings.h"

#include "config/keys.h"

namespace sluice::config {

void Findings::add(const std::string& key, const std::string& message, bool warning) {
    const auto place = places_.find(key);
    const auto where = place == places_.end() ? std::string{} : place->second;
    const bool variable = where == from_environment && find_key(key) != nullptr;
    problems_.push_back({where, variable ? environment_name(key) : key, message, warning});
}

} // namespace sluice::config
