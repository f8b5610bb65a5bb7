#include "init/fpm/status.h"
#include "tests/fuzz/fuzz.h"

void fuzz(std::string_view bytes) {
    const auto status = sluice::fpm::parse_status(bytes);
    if (!status) return;
    expect(status->listen_queue >= 0 && status->idle >= 0 && status->total >= 0);
    for (const auto& worker : status->workers) {
        expect(worker.pid > 0);
        expect(worker.duration.count() >= 0);
        expect(worker.uri.find('?') == std::string::npos);
    }
}
