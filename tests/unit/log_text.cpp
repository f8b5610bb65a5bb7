#include <doctest/doctest.h>

#include "init/os/json_text.h"

namespace sluice::os {

TEST_CASE("any bytes become a valid JSON string") {
    CHECK(json_string("plain") == "\"plain\"");
    CHECK(json_string("a\"b\\c") == R"("a\"b\\c")");
    CHECK(json_string("a\nb\x01\x7f") == R"("a\u000ab\u0001\u007f")");
    CHECK(json_string("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") ==
          "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    const std::string bad = "\xEF\xBF\xBD";
    CHECK(json_string("\xFF") == "\"" + bad + "\"");
    CHECK(json_string("\xC3") == "\"" + bad + "\"");                     // cut short
    CHECK(json_string("\xC0\xAF") == "\"" + bad + bad + "\"");           // overlong
    CHECK(json_string("\xED\xA0\x80") == "\"" + bad + bad + bad + "\""); // surrogate
    CHECK(json_string("\xF4\x90\x80\x80").size() == 2 + 4 * bad.size());
}

TEST_CASE("numbers stay numbers") {
    CHECK(json_value(std::int64_t{-5}) == "-5");
    CHECK(json_value(std::string("5")) == "\"5\"");
}

TEST_CASE("a line stays one line") {
    CHECK(one_line("a\nb\x1b[31m\tc") == "a\\nb\\x1b[31m\\x09c");
    CHECK(one_line("\xC3\xA9") == "\xC3\xA9");
    CHECK(one_line("\xE9 caf\xC3") == "\xE9 caf\xC3"); // Latin-1, and cut short
}

TEST_CASE("what a terminal obeys is escaped when it has two or three bytes, too") {
    const std::string csi = "\xC2\x9B"
                            "31m";
    CHECK(one_line(csi) == "\\u009b31m");
    CHECK(json_string(csi) == "\"\\u009b31m\"");
    CHECK(one_line("a\xE2\x80\xAEz\xE2\x81\xA6\xD8\x9C") == "a\\u202ez\\u2066\\u061c");
    CHECK(json_string("\xE2\x80\xA8\xE2\x80\x8F") == "\"\\u2028\\u200f\"");
    // Their neighbours are text.
    for (const std::string text : {"\xC2\xA0", "\xE2\x80\x8D", "\xE2\x80\xAF", "\xE2\x81\xA5"}) {
        CHECK(one_line(text) == text);
        CHECK(json_string(text) == "\"" + text + "\"");
    }
}

} // namespace sluice::os
