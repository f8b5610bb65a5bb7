#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace sluice::fleet {

/// Which of a process's outputs. `engine`: a message of the Engine itself.
enum class Channel : std::uint8_t { stdin_echo, out, err, engine };

/// Takes apart what the Engine sends of a process without a terminal: frames of a header of 8 bytes
/// (channel, 3 zeros, the length in 4 bytes, most significant first) and so many bytes of output.
/// Keeps no output: what came is passed on at once, in pieces as they came.
class Frames {
  public:
    using OnBytes = std::function<void(Channel, std::string_view)>;

    /// False from the first header on that is none: the rest is not passed on.
    bool take(std::string_view bytes, const OnBytes& on_bytes);

    /// True between two frames: a stream that ends elsewhere was cut.
    bool whole() const { return sound_ && header_size_ == 0 && left_ == 0; }

  private:
    static constexpr std::size_t header_length = 8;

    bool read_header();

    std::array<unsigned char, header_length> header_{};
    std::size_t header_size_ = 0; // what has come of the next one
    std::size_t left_ = 0;        // of the frame's output
    Channel channel_ = Channel::out;
    bool sound_ = true;
};

} // namespace sluice::fleet
