# shellcheck shell=bash
# All upstreams behind one nginx restarted, one after another. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_rolling=(
    "restart: rolling_keeps"
    "new-image: rolling_new_image"
    "max-fails-0: rolling_without_max_fails"
    "fail-timeout-long: rolling_long_fail_timeout"
    "control: rolling_control"
)

names=(first second third fourth)

is_back() { # ADDRESS
    answers "$1"
}

restart_one() { # NAME ADDRESS
    docker restart "$(named "$1")" >/dev/null
    until_true 20 "$1 again" is_back "$2"
}

replace_one() { # NAME ADDRESS
    docker stop "$(named "$1")" >/dev/null
    docker rm --volumes "$(named "$1")" >/dev/null
    run_container "$1" --ip "${2%:*}" sluice-test/baked2
    until_true 20 "$1 again" is_back "$2"
}

# roll IMAGE MAX_FAILS HOW: four upstreams, and each of them anew as soon as the one before answers.
roll() {
    local number began
    make_network
    # For a while three of the four are left alone, and then the fourth has to carry it all: with 4 workers it could
    # not, its accept queue would overflow, and nginx would take that for a failure, too.
    pool_lines='pm.max_children = 12'
    make_upstreams tcp "$1" "${names[@]}"
    start_front nginx "$2"
    front_load load --rate 60 --post '/work.php?ms=100'
    until_true 10 "load" load_is_on
    began=$(now_ms)
    for number in "${!names[@]}"; do "$3" "${names[number]}" "$subnet.$((10 + number)):9000"; done
    measured "4 in $(($(now_ms) - began)) ms"
    # nginx tries the last of them again, too.
    front_load after --rate 60 --post '/work.php?ms=100' --duration 2s
    wait "$load_pid"
    end_first_load
}

end_first_load() {
    load_pid=${site_pids[0]}
    end_load load
}

no_502() {
    kept "sluice"
    ((account[refused] == 0)) || wrong "502, all upstreams refused: ${account[refused]}"
    (($(upstream_errors '104: |prematurely closed') == 0)) || wrong "connections were reset, and nginx asked again"
    ((account[lost] == 0)) || logs_of front | grep -F '[error]' | cut -c 1-120 | head -n 20
    measured "met an address that was gone: $(upstream_errors '110: |113: '), worst ${account[worst_ms]%.*} ms"
}

linger=(--env SLUICE_DRAIN_LINGER=1s)

# 5 s are longer than a restart takes, and shorter than the four of them.
rolling_keeps() {
    upstream_options=("${linger[@]}")
    roll sluice8.2 'max_fails=1 fail_timeout=5s' restart_one
    no_502
}

rolling_new_image() {
    upstream_options=("${linger[@]}")
    derived baked2 'RUN echo "<?php const VERSION = 2;" >/srv/app/version.php'
    roll sluice8.2 'max_fails=1 fail_timeout=5s' replace_one
    no_502
    ((${account[v2]:-0} > 0)) || wrong "nobody got the new image's code"
}

# nginx tries each time anew: nobody is lost either, but who meets the address while no container has it
# waits for fastcgi_connect_timeout.
rolling_without_max_fails() {
    roll sluice8.2 'max_fails=0' restart_one
    no_502
}

# What the pause between two restarts is for: an upstream that has refused once is left alone for 10 s by
# default, and when all four have refused within that time, nobody is left: 502.
rolling_long_fail_timeout() {
    upstream_options=("${linger[@]}")
    roll sluice8.2 'max_fails=1 fail_timeout=30s' restart_one
    measured "502 with no live upstream: $(logs_of front | grep -c 'no live upstreams')"
    logs_tell front 'no live upstreams' || wrong "nginx did not run out of upstreams: the documents are wrong"
}

rolling_control() {
    roll php8.2 'max_fails=1 fail_timeout=5s' restart_one
    measured "bare FPM: 502 after refusals ${account[refused]}"
    not_kept "bare FPM"
}
