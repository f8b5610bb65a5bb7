#pragma once

#include <chrono>
#include <string>

namespace sluice::os {

/// 128 random bits as 32 hexadecimal digits. Throws std::system_error.
std::string random_token();

/// From 0 to `longest`, each as likely. (Should the kernel have no randomness, it goes by the
/// clock.)
std::chrono::milliseconds random_below(std::chrono::milliseconds longest);

} // namespace sluice::os
