# shellcheck shell=bash
# docker kill, restart, exec, the health check and restart policies. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_signals=(
    "TERM: signals_drain TERM"
    "INT: signals_drain INT"
    "QUIT: signals_drain QUIT"
    "INT-twice: signals_twice"
    "HUP: signals_reload HUP"
    "USR2: signals_reload USR2"
    "USR1: signals_forwarded"
    "KILL: signals_kill"
    "exec: signals_exec"
    "exec-stop: signals_exec_stop"
    "health: signals_health"
    "restart: signals_restart"
    "policy-on-failure: signals_policy_on_failure"
    "policy-always: signals_policy_always"
)

send() { # SIGNAL NAME
    docker kill --signal "$1" "$(named "$2")" >/dev/null
}

signals_drain() { # SIGNAL
    make_service tcp sluice8.2
    full_load load "$address"
    long_request fpm "$address" 1000
    send "$1" fpm
    await_exit fpm
    end_load load
    kept "a drain"
    long_answered || wrong "the request in flight was lost"
    has_status 0
}

signals_twice() {
    local began
    make_service tcp sluice8.2
    long_request fpm "$address" 8000
    began=$(now_ms)
    send INT fpm
    until_true 5 "a drain" logs_tell fpm 'stopping php-fpm'
    send INT fpm
    await_exit fpm
    (($(now_ms) - began < 4000)) || wrong "a second INT did not hurry it: $(($(now_ms) - began)) ms"
    logs_tell fpm 'cut' || wrong "the log does not say that a request was cut"
    measured "ended after $(($(now_ms) - began)) ms"
}

masters() {
    docker top "$(named fpm)" -o pid,args | awk '/php-fpm: master/ { print $1 }' | paste -sd ' '
}

has_another_master() { # THE OLD ONE
    [[ $(masters) != "$1" && $(masters) != *' '* && $(masters) ]]
}

signals_reload() { # SIGNAL
    local old
    make_service tcp sluice8.2
    old=$(masters)
    full_load load "$address"
    long_request fpm "$address" 1000
    send "$1" fpm
    until_true 20 "another master" has_another_master "$old"
    end_load load
    kept "a reload"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    long_answered || wrong "the request in flight was lost"
    is_running fpm || wrong "the container has ended"
}

signals_forwarded() {
    make_service tcp sluice8.2
    send USR1 fpm
    until_true 5 "PHP-FPM's own answer to USR1" logs_tell fpm 'error log file re-opened'
    answers "$address" || wrong "no answer after USR1"
}

signals_kill() {
    make_service tcp sluice8.2
    send KILL fpm
    await_exit fpm
    has_status 137
}

signals_exec() {
    local got=0
    make_service tcp sluice8.2
    in_container fpm sluice status | tee "$site/work/status"
    grep -q '9000' "$site/work/status" || wrong "sluice status does not name the pool's address"
    in_container fpm sluice status --json | python3 -m json.tool >/dev/null || wrong "no JSON"
    in_container fpm sluice health || wrong "sluice health: $?"
    docker exec --user 12345 "$(named fpm)" sluice status || got=$?
    ((got == 125)) || wrong "another user may ask: exit status $got"
    in_container fpm sluice check php-fpm || wrong "sluice check: $?"
}

signals_exec_stop() {
    make_service tcp sluice8.2
    long_request fpm "$address" 1000
    in_container fpm sluice stop
    await_exit fpm
    long_answered || wrong "the request in flight was lost"
    has_status 0
    docker start "$(named fpm)" >/dev/null
    await_answer fpm "$address"
    long_request fpm "$address" 8000
    in_container fpm sluice stop --now
    await_exit fpm
    ! long_answered || wrong "stop --now waited"
}

health_is() { # WANTED
    [[ $(state_of fpm .State.Health.Status) == "$1" ]]
}

stop_pending() {
    logs_tell fpm 'stopping php-fpm'
}

# Healthy when it answers; not from the first instant of a stop.
signals_health() {
    local got=0
    hold_address
    run_container fpm --stop-signal SIGTERM sluice-test/sluice8.2
    address=$held:9000
    until_true 20 "healthy" health_is healthy
    answers "$address" || wrong "healthy, but no answer"
    long_request fpm "$address" 3000
    docker stop "$(named fpm)" >/dev/null &
    until_true 5 "a drain" stop_pending
    in_container fpm sluice health || got=$?
    ((got == 1)) || wrong "exit status $got of sluice health during a stop, instead of 1"
    until_true 5 "unhealthy" health_is unhealthy
    wait $!
    long_answered || wrong "the request in flight was lost"
    [[ $(state_of fpm .State.ExitCode) == 0 ]] || wrong "exit status $(state_of fpm .State.ExitCode)"
}

signals_restart() {
    local began
    make_service tcp sluice8.2
    full_load load "$address"
    long_request fpm "$address" 1000
    began=$(now_ms)
    docker restart "$(named fpm)" >/dev/null
    await_answer fpm "$address"
    measured "answers again after $(($(now_ms) - began)) ms"
    end_load load
    kept "docker restart"
    long_answered || wrong "the request in flight was lost"
    [[ $(state_of fpm .State.Running) == true ]] || wrong "not running"
}

was_restarted() { # NAME TIMES
    (($(state_of "$1" .RestartCount) >= $2))
}

# A configuration that PHP-FPM refuses is a failure; a drain is none.
signals_policy_on_failure() {
    hold_address
    echo 'no such line' >"$site/work/fpm.conf"
    run_container fpm --restart on-failure --volume "$site/work/fpm.conf:/etc/php-fpm.d/some.conf:ro" \
        sluice-test/sluice8.2
    until_true 30 "Docker's second start" was_restarted fpm 2
    : >"$site/work/fpm.conf"
    await_answer fpm "$held:9000"
    send TERM fpm
    await_exit fpm
    has_status 0
    ! was_restarted fpm 100 || wrong "restarted for ever"
}

# PHP-FPM that dies again and again is given up by sluice, and then Docker starts the container anew. A
# docker stop is for good.
signals_policy_always() {
    hold_address
    run_container fpm --restart always --env SLUICE_SERVICE_RESTART_LIMIT='1 in 60s' sluice-test/sluice8.2
    address=$held:9000
    await_answer fpm "$address"
    until_true 30 "Docker's own restart" killed_and_restarted
    await_answer fpm "$address"
    full_load load "$address"
    long_request fpm "$address" 1000
    stop fpm
    end_load load
    kept "docker stop"
    [[ $(state_of fpm .State.Running) == false ]] || wrong "started again after docker stop"
}

killed_and_restarted() {
    was_restarted fpm 1 && return
    in_container fpm pkill -KILL -f 'php-fpm: master' || true
    return 1
}
