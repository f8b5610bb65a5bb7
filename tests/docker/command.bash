# shellcheck shell=bash
# How the command is written, and what the image lacks. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_command=(
    "nolibc: command_no_libc"
    "noshell: sluice_keeps tcp nosh8.2"
    "noshell-reload: command_no_shell_reload"
    "exec-form: command_exec_form"
    "shell-form: command_shell_form"
    "wrapper: command_wrapper"
    "wrapper-no-exec: command_wrapper_without_exec"
    "flags: command_flags"
    "tty-shell: command_tty_shell"
    "tty-fpm: command_tty_fpm"
    "not-found: command_not_found"
    "bad-config: command_bad_config"
)

zombies() { # NAME
    docker top "$(named "$1")" -o pid,stat,args | awk '$2 ~ /^Z/' | wc -l
}

has_no_zombie() {
    (($(zombies "$1") == 0))
}

left_orphan() {
    logs_tell service 'orphan left'
}

# sluice and a static program, and nothing else in the image.
command_no_libc() {
    local said
    said=$(docker run --rm --label "$label" sluice-test/scratch --version)
    [[ $said == sluice* ]] || wrong "--version said '$said'"
    run_container service --stop-signal SIGTERM sluice-test/scratch
    until_true 10 "the service" logs_tell service ready
    docker kill --signal USR1 "$(named service)" >/dev/null
    until_true 10 "an orphan" left_orphan
    until_true 5 "no zombie" has_no_zombie service
    stop service
    has_status 42
    run_container quit --stop-signal SIGQUIT --read-only --cap-drop ALL --user 33 sluice-test/scratch
    until_true 10 "the service" logs_tell quit ready
    stop quit
    has_status 43
    measured "$said; TERM 42, QUIT 43, as the service says"
}

command_no_shell_reload() {
    make_service tcp nosh8.2
    full_load load "$address"
    long_request fpm "$address" 1000
    in_container fpm sluice reload --wait || wrong "the reload failed"
    end_load load
    kept "a reload"
    long_answered || wrong "the request in flight was lost"
    ! docker exec "$(named fpm)" sh -c true 2>/dev/null || wrong "there is a shell after all"
}

# The official image's, and PHP-FPM named in the command.
command_exec_form() {
    service_words=(php-fpm)
    sluice_keeps tcp sluice8.2 --entrypoint sluice
    service_words=(sluice php-fpm8.2)
    remove_containers
    network=bridge
    sluice_keeps tcp sluice8.2 --entrypoint /usr/bin/env
}

# A shell between the two: nothing can be promised, but it is said, and it does not stop the container.
command_shell_form() {
    derived shell-form 'CMD php-fpm'
    make_service tcp shell-form --stop-signal SIGTERM
    logs_of fpm
    logs_tell fpm "the command is a shell's" || wrong "no word of the shell in the log"
    stop_loaded
    has_status 143
    ((stop_ms < 5000)) || wrong "the stop took $stop_ms ms"
    measured "lost ${account[lost]} of ${account[sent]}, stop $stop_ms ms, exit status $status"
}

wrapper() { # LAST_LINE
    printf '%s\n' '#!/bin/sh' 'set -e' 'echo "wrapper begins"' 'export FROM_WRAPPER=yes' "$1" >"$site/work/wrapper"
    chmod 755 "$site/work/wrapper"
}

command_wrapper() {
    # shellcheck disable=SC2016 # the wrapper's own
    wrapper 'exec "$@"'
    hold_address
    run_container fpm --volume "$site/work/wrapper:/usr/local/bin/wrapper:ro" --entrypoint sluice \
        sluice-test/sluice8.2 wrapper docker-php-entrypoint php-fpm
    address=$held:9000
    await_answer fpm "$address"
    stop_loaded
    kept "sluice behind a wrapper"
    refused_cleanly
    long_answered || wrong "the request in flight was lost"
    has_status 0
    logs_tell fpm 'wrapper begins' || wrong "the wrapper was not run"
    measured "stop $stop_ms ms"
}

# Without exec the wrapper stays the service's first process.
command_wrapper_without_exec() {
    # shellcheck disable=SC2016 # the wrapper's own
    wrapper '"$@"'
    hold_address
    run_container fpm --volume "$site/work/wrapper:/usr/local/bin/wrapper:ro" --entrypoint sluice \
        sluice-test/sluice8.2 wrapper php-fpm
    address=$held:9000
    await_answer fpm "$address"
    stop_loaded
    measured "lost ${account[lost]} of ${account[sent]}, stop $stop_ms ms, exit status $status"
    ((stop_ms < 9900)) || wrong "Docker had to kill it"
    kept "sluice behind a wrapper without exec"
}

# The official entrypoint adds php-fpm before flags.
command_flags() {
    hold_address
    run_container fpm sluice-test/sluice8.2 -d memory_limit=64M
    await_answer fpm "$held:9000"
    stop fpm
    has_status 0
    docker run --rm --label "$label" sluice-test/sluice8.2 php-fpm -v | grep -q '^PHP 8.2' || wrong "php-fpm -v"
}

# docker run -it: a shell with job control, whose status is the container's.
command_tty_shell() {
    python3 "$here/terminal.py" shell docker run --interactive --tty --rm --label "$label" \
        sluice-test/sluice8.2 bash --norc -i || wrong "a shell on a terminal does not behave as without sluice"
}

command_tty_fpm() {
    python3 "$here/terminal.py" interrupt docker run --interactive --tty --rm --label "$label" \
        sluice-test/sluice8.2 || wrong "Ctrl-C on PHP-FPM's terminal is not a drain"
}

command_not_found() {
    local got=0
    docker run --rm --label "$label" sluice-test/sluice8.2 no-such-program || got=$?
    ((got == 127)) || wrong "exit status $got instead of 127"
    got=0
    docker run --rm --label "$label" --entrypoint sluice sluice-test/sluice8.2 /etc/passwd || got=$?
    ((got == 126)) || wrong "exit status $got instead of 126"
}

command_bad_config() {
    local got=0
    echo 'no such line' >"$site/work/bad.conf"
    docker run --rm --label "$label" --volume "$site/work/bad.conf:/etc/php-fpm.d/bad.conf:ro" \
        sluice-test/sluice8.2 || got=$?
    ((got == 78)) || wrong "exit status $got instead of 78 (PHP-FPM's configuration)"
    got=0
    printf '[drain]\ndeadlin = "9s"\n' >"$site/work/sluice.toml"
    docker run --rm --label "$label" --volume "$site/work/sluice.toml:/etc/sluice.toml:ro" \
        sluice-test/sluice8.2 2>"$site/work/said" || got=$?
    cat "$site/work/said"
    ((got == 125)) || wrong "exit status $got instead of 125 (sluice's configuration)"
    grep -q deadline "$site/work/said" || wrong "no hint at the nearest key"
}
