#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::nginx {

/// A command that runs nginx.
struct Service {
    std::vector<std::string> wrapper;  // what stands before nginx: entrypoint scripts, "--"
    std::string program;               // "nginx", "/usr/sbin/nginx"
    std::vector<std::string> words;    // nginx's own
    std::string directives;            // of -g
    bool by_docker_entrypoint = false; // the official image's script, and no other, is before it
};

/// Finds nginx in the place of the program (core::place_of_program). Nothing for any other
/// command, and for one with which nginx only tells something or signals another one (-t, -T, -v,
/// -V, -h, -?, -s). `is_script`: the program begins with "#!".
std::optional<Service> recognise(const std::vector<std::string>& command,
                                 const std::function<bool(const std::string&)>& is_script);

/// True for the file name "nginx".
bool is_nginx(const std::string& program);

/// nginx's words with one more, which has it check its configuration, print all files of it, and
/// exit: -T.
std::vector<std::string> check(const Service& service);

/// What nginx complained of at a check: its errors, without its name before each.
std::string complaints_in(const std::string& output);

} // namespace sluice::nginx
