# shellcheck shell=bash
# docker stop: with a full accept queue and a request in flight nothing is lost, beside the same
# image without sluice, which loses. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # what is set here and there: see container.bash

cases_stop=(
    "tcp-7.4: stop_beside_control tcp 7.4 SIGTERM"
    "tcp-8.2: stop_beside_control tcp 8.2 SIGQUIT"
    "tcp-8.4: stop_beside_control tcp 8.4 SIGTERM"
    "unix-7.4: stop_beside_control unix 7.4 SIGQUIT"
    "unix-8.2: stop_beside_control unix 8.2 SIGTERM"
    "unix-8.4: stop_beside_control unix 8.4 SIGQUIT"
    "baked-stopsignal: stop_baked_signal"
    "tini: stop_tini"
    "init-beside: stop_with_init"
    "idle: stop_idle"
    "short: stop_short_time"
    "short-deadline: stop_short_deadline"
    "netns-shared: stop_one_of_two"
)

# make_service TRANSPORT IMAGE [OPTION...]: a PHP-FPM container called fpm, that answers at $address. Its
# command is the image's, or in `service_words`.
service_words=()
make_service() {
    local transport=$1 image=$2
    shift 2
    if [[ $transport == unix ]]; then
        mkdir -p "$site/work/run"
        chmod 777 "$site/work/run"
        printf '[www]\nlisten = /run/fpm/fpm.sock\n' >"$site/work/unix.conf"
        run_container fpm --volume "$site/work/run:/run/fpm" \
            --volume "$site/work/unix.conf:/etc/php-fpm.d/unix.conf:ro" "$@" "sluice-test/$image" "${service_words[@]}"
        address=$site/work/run/fpm.sock
    else
        hold_address
        run_container fpm "$@" "sluice-test/$image" "${service_words[@]}"
        address=$held:9000
    fi
    await_answer fpm "$address"
}

# stop_loaded: of what make_service has made, under load; its account is in `account`.
stop_loaded() {
    full_load load "$address"
    long_request fpm "$address" 2000
    kill -USR1 "$load_pid"
    stop fpm
    end_load load
    logs_of fpm | tail -n 3
}

# refused_cleanly: who came after the stop was told so at once.
refused_cleanly() {
    ((account[after_refused] > 0)) || wrong "nobody was refused after the stop"
    ((account[after_slow_refused] == 0)) || wrong "refused, but not at once: ${account[after_slow_refused]}"
}

sluice_keeps() { # TRANSPORT IMAGE [OPTION...]
    make_service "$@"
    stop_loaded
    kept sluice
    refused_cleanly
    long_answered || wrong "the request in flight was lost"
    has_status 0
    ((stop_ms < 4000)) || wrong "the stop took $stop_ms ms, with a request of 2000 ms in flight"
    measured "stop $stop_ms ms"
}

control_loses() { # WHAT TRANSPORT IMAGE [OPTION...]
    make_service "${@:2}"
    stop_loaded
    not_kept "$1"
    measured "stop $stop_ms ms"
}

stop_beside_control() { # TRANSPORT PHP STOPSIGNAL
    sluice_keeps "$1" "sluice$2" --stop-signal "$3"
    remove_containers
    network=bridge
    control_loses "bare FPM" "$1" "php$2" --stop-signal "$3"
}

# As a line of a Dockerfile, not as an option.
stop_baked_signal() {
    derived sigint 'STOPSIGNAL SIGINT'
    sluice_keeps tcp sigint
}

stop_tini() {
    service_words=(-- docker-php-entrypoint php-fpm)
    control_loses "tini" tcp php8.2 --stop-signal SIGTERM --entrypoint /usr/bin/tini
}

# Docker's own init is PID 1 then, and sluice its child.
stop_with_init() {
    sluice_keeps tcp sluice8.2 --init --stop-signal SIGTERM
}

stop_idle() {
    local image
    for image in sluice8.2 php8.2; do
        network=bridge
        make_service tcp "$image" --stop-signal SIGTERM
        stop fpm
        measured "$image $stop_ms ms"
        [[ $image != sluice8.2 ]] || {
            has_status 0
            ((stop_ms < 2000)) || wrong "an idle stop took $stop_ms ms"
        }
        remove_containers
    done
}

# A second is little, but enough for what takes half of one; what takes longer Docker kills, and
# sluice cannot name it.
stop_short_time() {
    make_service tcp sluice8.2
    long_request fpm "$address" 500
    stop fpm -t 1
    long_answered || wrong "a request of 500 ms was lost"
    has_status 0
    docker start "$(named fpm)" >/dev/null
    await_answer fpm "$address"
    long_request fpm "$address" 6000
    stop fpm -t 1
    ! long_answered || wrong "a request of 6 s was answered within 1 s"
    has_status 137
    measured "500 ms kept with -t 1, 6 s killed by Docker (137)"
}

# The deadline below what Docker gives: what is cut is named.
stop_short_deadline() {
    make_service tcp sluice8.2 --env SLUICE_DRAIN_DEADLINE=500ms --env SLUICE_DRAIN_KILL_AFTER=200ms
    long_request fpm "$address" 6000
    stop fpm -t 2
    ! long_answered || wrong "a request of 6 s was answered within 2 s"
    logs_of fpm | tail -n 4
    logs_tell fpm 'slow\.php' || wrong "the log does not name the request that was cut"
    logs_tell fpm 'cut' || wrong "the log does not say that a request was cut"
    [[ $status != 137 ]] || wrong "Docker had to kill it"
    measured "cut and named, stop $stop_ms ms, exit status $status"
}

# As in a pod: one address, two services on two ports. One is stopped, the other notices nothing; and who
# wants a port that is taken is told so.
stop_one_of_two() {
    local second
    hold_address
    printf '[www]\nlisten = 9001\n' >"$site/work/second.conf"
    run_container fpm --read-only --tmpfs /tmp sluice-test/sluice8.2
    run_container second --read-only --tmpfs /tmp \
        --volume "$site/work/second.conf:/etc/php-fpm.d/second.conf:ro" sluice-test/sluice8.2
    await_answer fpm "$held:9000"
    await_answer second "$held:9001"
    in_container fpm sluice status | grep -q 9000 || wrong "the first answers for the second"
    in_container second sluice status | grep -q 9001 || wrong "the second answers for the first"
    load second "$held:9001" --clients 4 --get '/work.php?ms=10'
    second=$load_pid
    full_load load "$held:9000"
    long_request fpm "$held:9000" 1000
    stop fpm
    end_load load
    kept "the one that is stopped"
    load_pid=$second
    end_load second
    kept "the other"
    ((account[refused] == 0)) || wrong "the other refused ${account[refused]}"
    run_container third --read-only --tmpfs /tmp \
        --volume "$site/work/second.conf:/etc/php-fpm.d/second.conf:ro" sluice-test/sluice8.2
    await_exit third
    has_status 125
    logs_of third
    logs_tell third '9001' || wrong "the log does not name the port that is taken"
}
