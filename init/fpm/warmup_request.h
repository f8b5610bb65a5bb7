#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "config/settings.h"
#include "init/fpm/reply.h"

namespace sluice::fpm {

// One entry of [[reload.warmup]] as FastCGI, and what is said of the answer. Pure.

/// So much of a reply is kept: as much as `text` is looked for in, or a beginning to show.
std::size_t most_of_reply(const config::Warmup& entry);

/// The params that a web server would pass. The document root is the script's folder, the host
/// "localhost" unless the headers say otherwise. A relative script is passed as it is: PHP-FPM
/// takes it from the pool's chdir (tried with 8.2).
Params params_of(const config::Warmup& entry);

/// What is wrong with the pools that the entries name, or do not name: a sentence. `pools` are all
/// that there are; with one alone none needs to be named.
std::optional<std::string> wrong_pool(const std::vector<config::Warmup>& entries,
                                      const std::vector<std::string>& pools);

/// "reload.warmup[2] (pool www, script public/index.php, POST /login)"; `number` counts from 1.
std::string name_of(const config::Warmup& entry, std::size_t number, const std::string& pool);

/// What was expected, what came and what to do, for the operator; nothing: as expected.
std::optional<std::string> complaint(const config::Warmup& entry, const Reply& reply);

/// The same for one that did not answer in time.
std::string late_complaint(const config::Warmup& entry);

} // namespace sluice::fpm
