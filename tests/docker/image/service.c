// A service that needs nothing: it leaves an orphan at each USR1, says what came, and ends with 42
// at TERM and 43 at QUIT. As "service hold" it ends at once at TERM.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char* text) {
    if (write(1, text, strlen(text)) < 0) _exit(1);
}

// The grandchild is nobody's child from here on but PID 1's.
static void leave_orphan(void) {
    const pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            usleep(100000);
            _exit(0);
        }
        _exit(0);
    }
    waitpid(child, NULL, 0);
    say("orphan left\n");
}

int main(int count, char** words) {
    const int hold = count > 1 && strcmp(words[1], "hold") == 0;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    say("ready\n");
    for (;;) {
        int came = 0;
        if (sigwait(&all, &came) != 0) continue;
        if (came == SIGUSR1) leave_orphan();
        if (came == SIGTERM) exit(hold ? 0 : 42);
        if (came == SIGQUIT) exit(hold ? 0 : 43);
    }
}
