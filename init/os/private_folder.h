#pragma once

#include <optional>
#include <string>

namespace sluice::os {

/// A folder that only our own user can enter, in memory where that can be had. Removed at the end,
/// with whatever is in it.
class PrivateFolder {
  public:
    /// The first place that can be written: /run, /dev/shm (which a container with a read-only root
    /// has, too), /tmp. Nothing where none can.
    static std::optional<PrivateFolder> make();

    PrivateFolder(PrivateFolder&& other) noexcept : path_(std::move(other.path_)) {
        other.path_.clear();
    }

    PrivateFolder& operator=(PrivateFolder&& other) noexcept {
        std::swap(path_, other.path_);
        return *this;
    }

    PrivateFolder(const PrivateFolder&) = delete;
    PrivateFolder& operator=(const PrivateFolder&) = delete;
    ~PrivateFolder();

    const std::string& path() const { return path_; }

  private:
    explicit PrivateFolder(std::string path) : path_(std::move(path)) {}

    std::string path_;
};

} // namespace sluice::os
