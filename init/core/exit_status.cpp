#include "init/core/exit_status.h"

#include <sys/wait.h>

#include "signals/names.h"

namespace sluice::core {

int exit_code(int wait_status) {
    if (WIFSIGNALED(wait_status)) return 128 + WTERMSIG(wait_status);
    return WEXITSTATUS(wait_status);
}

std::string describe_end(int wait_status) {
    if (WIFSIGNALED(wait_status)) {
        return "was ended by signal " + signals::name_of(WTERMSIG(wait_status));
    }
    return "exited with status " + std::to_string(WEXITSTATUS(wait_status));
}

int mapped(const ExitMap& map, int code) {
    const auto found = map.find(code);
    return found == map.end() ? code : found->second;
}

} // namespace sluice::core
