#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <string_view>
#include <unistd.h>

#include "processes.h"
#include "roles.h"

namespace {

/// Whatever a test left behind is ended before the next one, so that one failure stays one.
struct CleanUp : doctest::IReporter {
    explicit CleanUp(const doctest::ContextOptions&) {}

    void clean() {
        tests::kill_tree(::getpid());
        tests::reap_adopted();
    }

    void test_case_end(const doctest::CurrentTestCaseStats&) override { clean(); }

    void test_case_reenter(const doctest::TestCaseData&) override { clean(); }

    void report_query(const doctest::QueryData&) override {}

    void test_run_start() override {}

    void test_run_end(const doctest::TestRunStats&) override {}

    void test_case_start(const doctest::TestCaseData&) override {}

    void test_case_exception(const doctest::TestCaseException&) override {}

    void subcase_start(const doctest::SubcaseSignature&) override {}

    void subcase_end() override {}

    void log_assert(const doctest::AssertData&) override {}

    void log_message(const doctest::MessageData&) override {}

    void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("clean up", 1, CleanUp);

} // namespace

int main(int argc, char** argv) {
    constexpr std::string_view option = "--role=";
    if (argc > 1 && std::string_view(argv[1]).starts_with(option)) {
        return tests::play(std::string_view(argv[1]).substr(option.size()),
                           {argv + 2, argv + argc});
    }
    tests::adopt_orphans();
    return doctest::Context(argc, argv).run();
}
