#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace sluice::os {

// Names of users and groups, read from /etc/passwd and /etc/group with a few lines of our own: in a
// static binary glibc's getpwnam would want the image's glibc, and the image may be another.

/// The id for a name, or for a number in digits; nothing for a name that is not there.
std::optional<uid_t> user_id(const std::string& name);
std::optional<gid_t> group_id(const std::string& name);

} // namespace sluice::os
