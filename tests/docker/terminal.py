#!/usr/bin/env python3
"""terminal.py CASE COMMAND...: runs the command on a terminal of its own, as a user at a keyboard does.

shell      a shell: it has job control and its terminal, Ctrl-C ends what it runs and not itself, and
           its exit status is the command's
interrupt  Ctrl-C once the text "ready" has come: the command ends with 0
"""
import os
import pty
import re
import select
import signal
import sys
import time

PATIENCE = 30  # seconds for each step


class Terminal:
    def __init__(self, command):
        self.text = ""
        self.ended = False
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)

    def read(self, seconds):
        """Whether something, or the end, has come."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # the other side has closed
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def expect(self, pattern):
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text):
            if not self.read(0.1) or time.monotonic() > end:
                self.fail(f"{pattern!r} did not come")
        self.text = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        end = time.monotonic() + PATIENCE
        while self.read(0.1):
            if time.monotonic() > end:
                self.fail("it does not end")
        self.ended = True
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def fail(self, reason):
        print(f"terminal.py: {reason}; what came:\n{self.text}")
        if not self.ended:
            os.kill(self.pid, signal.SIGKILL)
        sys.exit(1)


def shell(terminal):
    terminal.expect(r"[#$] $")
    # In two parts, so that the echo of what is typed is no answer.
    terminal.type("set -o | grep monitor; echo jobs-'are'\r")
    terminal.expect(r"monitor\s+on\s[^$#]*jobs-are\r")
    terminal.type("tty; echo tty-'is' $?\r")
    terminal.expect(r"/dev/\S+\s+tty-is 0\r")
    terminal.type("sleep 1000; echo sleep-'said' $?\r")
    terminal.expect(r"'said'")
    terminal.type("\x03")
    terminal.expect(r"[#$] $")
    terminal.type("(exit 130); echo alive-'is' $$\r")
    terminal.expect(r"alive-is \d+\r")
    terminal.type("exit 5\r")
    status = terminal.end()
    if status != 5:
        terminal.fail(f"exit status {status} instead of 5")


def interrupt(terminal):
    terminal.expect(r"ready")
    terminal.type("\x03")
    status = terminal.end()
    if status != 0:
        terminal.fail(f"exit status {status} instead of 0")
    if "drain" not in terminal.text and "stop" not in terminal.text:
        terminal.fail("no word of a stop")


if __name__ == "__main__":
    {"shell": shell, "interrupt": interrupt}[sys.argv[1]](Terminal(sys.argv[2:]))
