#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

namespace sluice::os {

/// A pipe that a generation writes its log to in place of stderr, so that its last lines are known
/// where it fails. What comes is passed on to stderr, in pieces of whole lines as far as can be,
/// and nothing is dropped: as long as stderr takes nothing more nothing is read either, and the
/// generation waits as it would without the pipe.
class Relay {
  public:
    /// Null where no pipe can be had: the generation gets stderr itself then.
    static std::unique_ptr<Relay> make(boost::asio::io_context& loop);

    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    /// For the generation. Stays open here, for a next run.
    int write_end() const;

    /// What came last, whole lines, at most 20 and 8 KiB together.
    std::vector<std::string> last_lines() const;

    /// Passes on what has come, as far as stderr takes it at once. The destructor does it, too.
    void flush();

    /// For when there is no loop any more: leaves the pipe to a child that does nothing but copy.
    void leave_to_child();

  private:
    class Copying;

    explicit Relay(std::shared_ptr<Copying> copying) : copying_(std::move(copying)) {}

    std::shared_ptr<Copying> copying_;
};

} // namespace sluice::os
