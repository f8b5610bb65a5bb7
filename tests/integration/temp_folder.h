#pragma once

#include <string>

namespace tests {

/// A folder that everybody may enter, gone with everything in it at the end.
class TempFolder {
  public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    std::string path(const std::string& name = {}) const;

    /// Writes a file and gives its path.
    std::string write(const std::string& name, const std::string& text, unsigned mode = 0644) const;

    bool has(const std::string& name) const;

  private:
    std::string path_;
};

/// The whole file; empty if there is none.
std::string read_file(const std::string& path);

} // namespace tests
