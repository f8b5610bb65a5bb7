# shellcheck shell=bash
# The container stands still, or the clock jumps, in the middle of things. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_pause=(
    "drain: pause_in_drain 9s"
    "drain-past-deadline: pause_in_drain 3s"
    "reload: pause_in_reload"
    "reload-past-ready: pause_in_reload_past_ready"
    "clock: pause_clock"
)

# The container stands still for 4 s from the moment that the log says a word.
pause_once_told() { # PATTERN
    until_true 10 "$1 in the log" logs_tell fpm "$1"
    docker pause "$(named fpm)" >/dev/null
    is_paused || wrong "not paused: this proves nothing"
    sleep 4 # this is what is tested, not a wait for something
    paused_log=$(logs_of fpm)
    docker unpause "$(named fpm)" >/dev/null
}

is_paused() {
    [[ $(state_of fpm .State.Paused) == true ]]
}

# A request of 2 s, and 4 s of standing still. With a deadline of 3 s all of that has passed when the container
# goes on: then what has happened meanwhile comes first, and the deadline after it.
pause_in_drain() { # DEADLINE
    make_service tcp sluice8.2 --env "SLUICE_DRAIN_DEADLINE=$1"
    full_load load "$address"
    long_request fpm "$address" 2000
    docker kill --signal TERM "$(named fpm)" >/dev/null
    pause_once_told 'stopping php-fpm'
    [[ $paused_log != *"stopped in"* ]] || wrong "the drain was over before the pause: this proves nothing"
    await_exit fpm
    end_load load
    logs_of fpm | tail -n 3
    kept "a drain with a pause"
    long_answered || wrong "the request in flight was lost"
    has_status 0
}

write_slow_warmup() { # COUNT
    printf '%s\n' '[reload]' "$2" '[[reload.warmup]]' 'script = "/srv/app/work.php"' 'uri = "/work.php?ms=500"' \
        "count = $1" 'text = "ok "' >"$site/work/sluice.toml"
}

pause_in_reload() {
    local reload
    write_slow_warmup 4 'ready = "10s"'
    make_service tcp sluice8.2 --volume "$site/work/sluice.toml:/etc/sluice.toml:ro"
    full_load load "$address"
    long_request fpm "$address" 1000
    docker kill --signal HUP "$(named fpm)" >/dev/null
    pause_once_told 'generation 2 answers' # and is being warmed up
    [[ $paused_log != *"warmed up"* ]] || wrong "the warm-up was over before the pause: this proves nothing"
    until_true 20 "the switch" logs_tell fpm 'generation 2 serves'
    end_load load
    logs_of fpm | tail -n 8
    kept "a reload with a pause"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    long_answered || wrong "the request in flight was lost"
    answers "$address" || wrong "no answer after it"
    stop fpm
    has_status 0
}

# Less time to get ready than the container stands still: taken over or rolled back, nobody notices.
pause_in_reload_past_ready() {
    write_slow_warmup 4 'ready = "2s"'
    make_service tcp sluice8.2 --volume "$site/work/sluice.toml:/etc/sluice.toml:ro"
    full_load load "$address"
    long_request fpm "$address" 1000
    docker kill --signal HUP "$(named fpm)" >/dev/null
    pause_once_told 'reload: php-fpm started'
    answers "$address" || wrong "no answer after the pause"
    end_load load
    logs_of fpm | tail -n 8
    kept "a reload with a pause"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    long_answered || wrong "the request in flight was lost"
    if logs_tell fpm 'generation 2 serves'; then measured "taken over"; else measured "rolled back"; fi
    in_container fpm sluice reload --wait || wrong "the next reload failed"
    stop fpm
    has_status 0
}

# The wall clock jumps by an hour and more, forward in the middle of a drain, back in the middle of a
# reload. A machine has one wall clock for all, and a time namespace shifts the others only: so a library
# (clock.c) jumps for what is in this container, sluice included, which takes a dynamic build of it
# (build/dev). No timer may hang on that clock.
pause_clock() {
    [[ -f $build/sluice ]] || fail "$build/sluice is not there: tests/run dev"
    mkdir "$site/work/clock"
    gcc -shared -fPIC -O1 -Wall -o "$site/work/clock/clock.so" "$here/clock.c"
    set_clock 0
    printf '%s\n' '[[reload.warmup]]' 'script = "/srv/app/work.php"' 'uri = "/work.php?ms=300"' 'count = 4' \
        >"$site/work/sluice.toml"
    make_service tcp sluice8.2 --volume "$site/work/sluice.toml:/etc/sluice.toml:ro" \
        --volume "$build/sluice:/usr/local/bin/sluice:ro" --volume "$site/work/clock:/clock:ro" \
        --env LD_PRELOAD=/clock/clock.so
    set_clock 3600
    full_load load "$address"
    long_request fpm "$address" 1000
    docker kill --signal HUP "$(named fpm)" >/dev/null
    until_true 10 "a warm-up" logs_tell fpm 'generation 2 answers'
    set_clock -3600
    until_true 20 "the switch" logs_tell fpm 'generation 2 serves'
    end_load load
    kept "a reload with a jump back"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    long_answered || wrong "the request in flight was lost at the reload"

    full_load load "$address"
    long_request fpm "$address" 2000
    docker kill --signal TERM "$(named fpm)" >/dev/null
    until_true 10 "a drain" logs_tell fpm 'stopping php-fpm'
    set_clock 7200
    await_exit fpm
    end_load load
    logs_of fpm | grep sluice
    kept "a drain with a jump forward"
    long_answered || wrong "the request in flight was lost at the stop"
    has_status 0
    # Otherwise sluice has not seen the jumps, and this proves nothing.
    (($(hours_in_log) >= 3)) || wrong "the log's own times tell of no jump"
}

set_clock() { # SECONDS
    python3 -c 'import os, struct, sys
os.pwrite(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o644), struct.pack("=q", int(sys.argv[2])), 0)' \
        "$site/work/clock/offset" "$1"
}

# How many different hours sluice's lines tell.
hours_in_log() {
    logs_of fpm | grep -oE '^[0-9-]+T[0-9]{2}:[0-9:.]+Z sluice' | cut -c 1-13 | sort -u | wc -l
}
