#pragma once

#include <string>

namespace sluice::os {

/// 128 random bits as 32 hexadecimal digits. Throws std::system_error.
std::string random_token();

} // namespace sluice::os
