#include "init/os/text_file.h"

#include <fstream>
#include <iterator>

namespace sluice::os {

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace sluice::os
