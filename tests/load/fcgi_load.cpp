#include "tests/load/run.h"

int main(int argc, char** argv) {
    return load::run_load(load::parse_options(argc, argv, load::Protocol::fastcgi));
}
