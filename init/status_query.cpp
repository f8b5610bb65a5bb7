#include "init/status_query.h"

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

namespace sluice {

namespace {

/// Lives until it has been answered.
class Query : public std::enable_shared_from_this<Query> {
  public:
    Query(boost::asio::io_context& loop, std::vector<fpm::StatusPage> live,
          std::vector<fpm::StatusPage> old, std::function<void(const PoolStatuses&)> told)
        : loop_(loop),
          live_(loop, std::move(live)),
          old_(loop, std::move(old)),
          told_(std::move(told)) {}

    void start() {
        ask(live_, statuses_.live);
        ask(old_, statuses_.old);
    }

  private:
    void ask(fpm::Inquiry& inquiry, std::optional<std::vector<fpm::Status>>& answer) {
        const auto take = [self = shared_from_this(),
                           &answer](std::optional<std::vector<fpm::Status>> statuses) {
            answer = std::move(statuses);
            self->one_answered();
        };
        if (inquiry.can_ask()) {
            inquiry.ask(fpm::usual_answer_limit, take);
        } else {
            boost::asio::post(loop_, [take] { take({}); });
        }
    }

    void one_answered() {
        if (--left_ == 0) std::exchange(told_, {})(statuses_);
    }

    boost::asio::io_context& loop_;
    fpm::Inquiry live_;
    fpm::Inquiry old_;
    std::function<void(const PoolStatuses&)> told_;
    PoolStatuses statuses_;
    int left_ = 2;
};

} // namespace

void ask_pools(boost::asio::io_context& loop, std::vector<fpm::StatusPage> live,
               std::vector<fpm::StatusPage> old, std::function<void(const PoolStatuses&)> told) {
    std::make_shared<Query>(loop, std::move(live), std::move(old), std::move(told))->start();
}

} // namespace sluice
