// Boost.Asio, compiled once for the whole program (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>

#ifdef SLUICE_STATIC
#include <netdb.h>

// Asio's resolver, which nothing here uses, is compiled with the rest and refers to getaddrinfo. A
// static glibc's would load the image's own files at run time, of which there may be none.
extern "C" int getaddrinfo(const char* /*node*/, const char* /*service*/, const addrinfo* /*hints*/,
                           addrinfo** /*result*/) {
    return EAI_FAIL;
}

extern "C" void freeaddrinfo(addrinfo* /*result*/) {}
#endif
