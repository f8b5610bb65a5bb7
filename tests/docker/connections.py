#!/usr/bin/env python3
"""connections.py FILE: stands for a database, and counts connections. Listens on a port of the kernel's choice and writes
"PORT NOW MOST" to FILE, and anew whenever a connection comes or goes; MOST begins anew at SIGUSR1. Ends with SIGTERM."""
import os
import selectors
import signal
import socket
import sys

most = now = 0


def write():
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
        file.write(f"{port} {now} {most}\n")
    os.rename(sys.argv[1] + ".new", sys.argv[1])


def begin_anew(*_):
    global most
    most = now
    write()


listener = socket.create_server(("0.0.0.0", 0), backlog=1024)
port = listener.getsockname()[1]
signal.signal(signal.SIGUSR1, begin_anew)
selector = selectors.DefaultSelector()
selector.register(listener, selectors.EVENT_READ)
write()
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            selector.register(listener.accept()[0], selectors.EVENT_READ)
            now += 1
            most = max(most, now)
        else:
            try:
                if key.fileobj.recv(64):
                    continue
            except ConnectionError:
                pass
            selector.unregister(key.fileobj)
            key.fileobj.close()
            now -= 1
        write()
