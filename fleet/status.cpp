#include "fleet/status.h"

#include <utility>

#include "fleet/ask/ask.h"
#include "fleet/turns.h"
#include "init/control/report_json.h"
#include "init/os/json_text.h"

namespace sluice::fleet {

namespace {

constexpr std::size_t at_a_time = 16;
// control::most_entries texts of control::longest_text in some lists, each byte escaped, fit.
constexpr std::size_t longest_line = 1U << 20U;

void ask_one(Engine& engine, const Container& container, std::chrono::milliseconds limit,
             NodeRow& row, const Turns::OnEnded& ended) {
    row.name = container.name;
    ask_sluice(engine, container,
               {.request = control::Request::status, .limit = limit, .longest_line = longest_line},
               {.on_line =
                    [&row](Channel channel, const std::string& line) {
                        if (channel == Channel::out) row.report = control::parse_report(line);
                        if (!row.report) row.trouble = os::one_line(line.substr(0, 500));
                    },
                .on_end =
                    [&row, ended](const ExecEnd& end) {
                        if (!end.exit_code) row.trouble = end.trouble;
                        if (end.exit_code != 0) row.report.reset();
                        if (!row.report && row.trouble.empty()) {
                            row.trouble = "sluice exited with " +
                                          std::to_string(end.exit_code.value_or(0)) +
                                          " and said nothing";
                        }
                        ended(row.report.has_value());
                    }});
}

} // namespace

std::vector<NodeRow> ask_node(boost::asio::io_context& loop, Engine& engine,
                              const std::vector<Container>& containers,
                              std::chrono::milliseconds limit) {
    std::vector<NodeRow> rows(containers.size());
    Turns turns(
        loop, {.count = containers.size(), .parallel = at_a_time, .canary = false},
        [&](std::size_t which, const Turns::OnEnded& ended) {
            ask_one(engine, containers[which], limit, rows[which], ended);
        },
        [&loop] { loop.stop(); });
    turns.start();
    loop.run();
    return rows;
}

} // namespace sluice::fleet
