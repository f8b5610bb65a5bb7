#include "init/net/address.h"

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

#include "init/net/selector.h"

namespace sluice::net {

namespace {

// A listener that is shut leaves its group first and the kernel's list of listeners after that. A
// SYN that finds it there in between meets no group, so no selector, and is lost with it: hidden it
// is not found.
void close_unselected(Listener& listener) {
    listener.hide(); // where that is refused it goes as it is
    listener.shut();
}

} // namespace

std::variant<Address, Refused> Address::open(const Wanted& wanted) {
    auto made = listen(wanted);
    if (auto* const refused = std::get_if<Refused>(&made)) return std::move(*refused);
    return Address(std::get<Listener>(std::move(made)));
}

bool Address::by_path() const {
    return std::holds_alternative<PathEndpoint>(endpoint());
}

std::optional<Refused> Address::join(const Wanted& wanted) {
    if (wanted.endpoint != endpoint()) return cannot_listen(wanted.endpoint, EINVAL);
    if (next_ || old_ || parked_) return cannot_listen(wanted.endpoint, EBUSY);
    if (!by_path()) {
        if (const int error = select_member(live_, 0)) return cannot_select(endpoint(), error);
    }
    auto joined = net::join(wanted);
    if (auto* const refused = std::get_if<Refused>(&joined)) return std::move(*refused);
    next_ = std::get<Listener>(std::move(joined));
    steering_ = Steering::make(live_.descriptor(), next_->reached_at());
    return {};
}

std::optional<WayIn> Address::way_in() const {
    if (!steering_) return {};
    return WayIn(steering_);
}

// Of a group of one the selector cannot pick another, whatever it says.
std::optional<WayIn> Address::way_to_live() {
    if (next_ || old_ || parked_) return {};
    if (!steering_) steering_ = Steering::make(live_.descriptor(), live_.reached_at());
    return way_in();
}

std::optional<Refused> Address::switch_over() {
    if (!next_ || parked_) return cannot_listen(endpoint(), EINVAL);
    if (by_path()) {
        if (auto refused = take_over_path()) return refused;
    } else if (const int error = select_member(live_, 1)) {
        return cannot_select(endpoint(), error);
    }
    steering_.reset(); // after the switch: what it may still name is of no account then
    old_ = std::exchange(live_, *std::move(next_));
    next_.reset();
    return {};
}

std::optional<Refused> Address::take_over_path() {
    if (live_.has_path() && next_->exchange_names(live_) == 0) {
        if (live_.has_name()) return {};
        next_->exchange_names(live_); // somebody has put something else there since the look
        return cannot_listen(endpoint(), EADDRINUSE);
    }

    // A rename would take the place of whatever somebody else has put there meanwhile.
    struct stat found {};

    const bool taken = ::lstat(to_string(endpoint()).c_str(), &found) == 0;
    if (taken && !live_.has_path()) return cannot_listen(endpoint(), EADDRINUSE);
    if (const int error = next_->take_path()) return cannot_listen(endpoint(), error);
    return {};
}

std::optional<Refused> Address::switch_back() {
    if (!old_ || parked_) return cannot_listen(endpoint(), EINVAL);
    std::optional<Refused> refused;
    if (by_path()) {
        const int error = old_->has_name() ? live_.exchange_names(*old_) : ENOENT;
        if (error != 0) refused = cannot_go_back(endpoint(), error);
    } else if (select_member(live_, 0) != 0) {
        live_.shut(); // it was the last to join, and an index out of range leads to who is alone
    }
    next_ = std::exchange(live_, *std::move(old_));
    old_.reset();
    return refused;
}

void Address::give_up() {
    if (!next_) return;
    // It is the last member: the live one stays 0, which is selected.
    close_unselected(*next_);
    next_.reset();
    if (steering_ && !by_path()) select_member(live_, 0); // should it fail, 0 is alone
    steering_.reset();
    if (parked_) select_member(live_, 1); // it was the last of three and moved
}

void Address::leave() {
    if (!old_) return;
    close_unselected(*old_);
    old_.reset();
    // The live one has moved to 0; a parked one, then the last of three, into the old one's place.
    if (!by_path()) select_member(live_, 0);
}

int Address::hide() {
    // While one is visible the selector may pick a hidden one, whose SYN meets silence: so the live
    // one, which is the one that is picked, is the last.
    if (next_) next_->hide();
    if (old_) old_->hide();
    const int error = live_.hide();
    steering_.reset();
    return error;
}

int Address::hold_off() {
    if (by_path()) return EOPNOTSUPP;
    if (parked_) return 0;
    auto made = Parked::park(live_, next_ || old_ ? 2 : 1, live_index());
    if (const auto* const refused = std::get_if<Refused>(&made)) return refused->error;
    parked_ = std::get<Parked>(std::move(made));
    steering_.reset(); // or its next change would send users to the live one again
    return 0;
}

void Address::shut() {
    give_up();
    leave();
    live_.shut();
}

} // namespace sluice::net
