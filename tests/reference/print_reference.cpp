#include <cstdio>

#include "config/reference.h"

int main() {
    const auto page = sluice::config::reference_page();
    return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
