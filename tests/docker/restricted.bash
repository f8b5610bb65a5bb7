# shellcheck shell=bash
# Containers that may do little or have little. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_restricted=(
    "www-data: restricted_keeps --user www-data --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges"
    "www-data-unix: restricted_keeps_unix"
    "www-data-bare: restricted_control"
    "unknown-user: restricted_keeps --user 12345:12345 --cap-drop ALL --security-opt no-new-privileges"
    "root-read-only: restricted_keeps --read-only --tmpfs /tmp"
    "root-no-caps: restricted_keeps --cap-drop ALL --cap-add SETUID --cap-add SETGID --cap-add KILL"
    "root-no-kill: restricted_keeps --cap-drop ALL --cap-add SETUID --cap-add SETGID"
    "no-new-privileges: restricted_keeps --security-opt no-new-privileges"
    "no-tmp: restricted_no_tmp"
    "pids-limit: restricted_pids 10"
    "pids-limit-late: restricted_pids 12"
    "memory-worker: restricted_memory"
    "memory-reload: restricted_memory_reload"
    "disk-full: restricted_disk_full"
    "disk-full-start: restricted_disk_full_at_start"
)

# A reload and a stop under load, as with all rights.
reload_and_stop() {
    full_load load "$address"
    long_request fpm "$address" 1000
    in_container fpm sluice reload --wait || wrong "the reload failed"
    end_load load
    kept "a reload"
    ((account[refused] == 0)) || wrong "a reload refused ${account[refused]}"
    long_answered || wrong "the request in flight was lost at the reload"
    stop_loaded
    kept "a stop"
    refused_cleanly
    long_answered || wrong "the request in flight was lost at the stop"
    has_status 0
    ((stop_ms < 4500)) || wrong "the stop took $stop_ms ms, with a request of 2000 ms in flight"
    measured "stop $stop_ms ms"
}

restricted_keeps() { # OPTION...
    make_service tcp sluice8.2 "$@"
    reload_and_stop
}

restricted_keeps_unix() {
    make_service unix sluice8.2 --user www-data --read-only --tmpfs /tmp --cap-drop ALL \
        --security-opt no-new-privileges
    reload_and_stop
}

restricted_control() {
    control_loses "bare FPM" tcp php8.2 --user www-data --read-only --tmpfs /tmp --cap-drop ALL \
        --security-opt no-new-privileges --stop-signal SIGQUIT
}

# PHP-FPM's opcache needs a /tmp for its lock: that is said, and by what status.
restricted_no_tmp() {
    hold_address
    run_container fpm --read-only --user www-data sluice-test/sluice8.2
    await_exit fpm
    logs_of fpm | tail -n 5
    logs_tell fpm '/tmp' || wrong "the log does not say that it is /tmp that lacks"
    measured "exit status $status"
    [[ $status != 0 ]] || wrong "exit status 0"
}

# No room for a second generation's processes: the reload is rolled back, and the first goes on.
restricted_pids() { # LIMIT
    local got=0
    make_service tcp sluice8.2 --pids-limit "$1"
    full_load load "$address"
    docker exec "$(named fpm)" sluice reload --wait || got=$?
    logs_of fpm | tail -n 6
    ((got != 0)) || wrong "a reload came through with $1 processes"
    stop_loaded_after_rollback
}

# The load has been on since before the reload.
stop_loaded_after_rollback() { # [WHAT THE RELOAD WAS]
    answers "$address" || wrong "no answer after the reload"
    end_load load
    kept "${1:-a reload that was rolled back}"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    stop_loaded
    kept "the stop after it"
    long_answered || wrong "the request in flight was lost"
    has_status 0
    measured "stop $stop_ms ms"
}

write_eater() {
    mkdir -p "$site/work/app"
    cat >"$site/work/app/eat.php" <<'END'
<?php
ini_set('memory_limit', '-1');
$eaten = [];
while (true) $eaten[] = str_repeat('x', 1 << 20);
END
    cp "$root"/tests/app/*.php "$site/work/app"
    chmod -R a+rX "$site/work"
}

oom_kills() {
    docker exec "$(named fpm)" cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events 2>/dev/null |
        awk '$1 == "oom_kill" { print $2 }'
}

# The kernel kills the worker that has eaten the memory. Its request is lost, the service goes on.
restricted_memory() {
    write_eater
    make_service tcp sluice8.2 --memory 96m --memory-swap 96m --volume "$site/work/app:/srv/app:ro"
    load eater "$address" --clients 1 --requests 1 --get /eat.php
    await_load eater
    ((account[lost] == 1)) || wrong "the eater was not killed: this proves nothing"
    logs_tell fpm 'signal 9' || wrong "the log does not tell of the worker that was killed"
    is_running fpm || wrong "the container has ended"
    measured "kills: $(oom_kills)"
    answers "$address" || wrong "no answer after the kill"
    stop_loaded
    kept "the stop after it"
    long_answered || wrong "the request in flight was lost"
    has_status 0
}

# No room for a second generation: refused before anything is started. What is in a tmpfs counts.
restricted_memory_reload() {
    local got=0
    make_service tcp sluice8.2 --memory 64m --memory-swap 64m --tmpfs /full
    in_container fpm dd if=/dev/zero of=/full/file bs=1M count=36
    full_load load "$address"
    in_container fpm sluice reload --wait || got=$?
    logs_of fpm | tail -n 4
    ((got == 1)) || wrong "exit status $got of a reload without memory for it: this proves nothing"
    logs_tell fpm 'memory' || wrong "the log does not say why"
    stop_loaded_after_rollback
}

fill() { # FOLDER
    in_container fpm sh -c "dd if=/dev/zero of=$1/full bs=4k 2>/dev/null; ! echo more >$1/more 2>/dev/null" || true
    in_container fpm sh -c "df $1 | tail -n 1"
}

# Nowhere to write any more: what there is goes on, a reload comes through or is rolled back.
restricted_disk_full() {
    local got=0
    make_service tcp sluice8.2 --read-only --tmpfs /tmp:size=256k --tmpfs /run:size=64k --tmpfs /dev/shm:size=64k
    fill /tmp
    fill /run
    fill /dev/shm
    full_load load "$address"
    in_container fpm sluice reload --wait || got=$?
    measured "exit status of the reload $got"
    stop_loaded_after_rollback "a reload with a full disk"
}

# Full from the start: the folders can still be entered, but hold no byte more.
restricted_disk_full_at_start() {
    # shellcheck disable=SC2016 # the container's own
    local entry='for f in /tmp /run /dev/shm; do dd if=/dev/zero of=$f/full bs=4k 2>/dev/null; done; exec sluice php-fpm'
    hold_address
    run_container fpm --read-only --tmpfs /tmp:size=64k --tmpfs /run:size=64k --tmpfs /dev/shm:size=64k \
        --entrypoint sh sluice-test/sluice8.2 -c "$entry"
    address=$held:9000
    await_answer fpm "$address"
    in_container fpm sluice status >/dev/null || wrong "no status"
    reload_and_stop
}
