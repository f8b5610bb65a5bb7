# shellcheck shell=bash
# The inits as processes of this machine, without Docker: the parts start, stop, reap, idle and size of
# tests/bench/run, for sourcing by it.
# shellcheck disable=SC2154

# The field of /proc/PID/status, without its unit.
status_field() {
    awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"
}

switches() {
    echo $(($(status_field "$1" voluntary_ctxt_switches) + $(status_field "$1" nonvoluntary_ctxt_switches)))
}

child_of() {
    cat "/proc/$1/task/$1/children"
}

has_child() {
    [[ $(child_of "$1") ]]
}

has_settled() {
    local before
    before=$(switches "$1")
    sleep 0.3
    (($(switches "$1") == before))
}

report_start() {
    cat <<'EOF'

## Start: from the exec of the init to main() of its child

Aim: at most 4 ms behind none.

EOF
    "$programs/bench_start" "$starts" none 15 , tini 15 tini -- , dumb-init 15 dumb-init -- , \
        sluice 15 "$sluice" --
}

report_stop() {
    local port=''
    free_port port
    write_fpm bench "127.0.0.1:$port" 4
    cat <<'EOF'

## Stop of an idle PHP-FPM (4 workers): from the signal until it is gone

Bare PHP-FPM and PHP-FPM under tini get QUIT, sluice gets TERM. Without `process_control_timeout` PHP-FPM
sends TERM to its workers right after QUIT, the busy ones included. sluice closes the intake and looks whether
anything is in flight before it does the same.

EOF
    "$programs/bench_stop" "$stops" "$port" "$site/app/index.php" \
        "$fpm_program" -y "$site/bench.conf" -- \
        bare 3 , tini 3 tini -- , sluice 15 env SLUICE_LOG_LEVEL=info "$sluice" --
}

report_reap() {
    cat <<EOF

## Reaping: $orphans orphans that come at once, to PID 1 of a PID namespace

From the end of their parent until none is left.

EOF
    "$programs/bench_orphans" "$reaps" "$orphans" tini 15 tini -- , dumb-init 15 dumb-init -- , \
        sluice 15 "$sluice" --
}

# Starts one init with its child; its name and pid go to the lists of report_idle.
start_idle() {
    idle_names+=("$1")
    start "$@"
    idle_pids+=("$started")
    until_true 5 "$1" has_child "$started"
}

report_idle() {
    local port='' i idle_names=() idle_pids=() before=()
    free_port port
    write_fpm idle "127.0.0.1:$port" 4
    cat <<EOF

## Idle: resident memory, and context switches in $idle_seconds s

Of the init alone, all of them side by side. Aims: at most 3072 kB, and no context switch.

| init | VmRSS, kB | of it anonymous, kB | context switches |
|---|---:|---:|---:|
EOF
    start_idle tini tini -- sleep infinity
    start_idle dumb-init dumb-init -- sleep infinity
    start_idle sluice "$sluice" -- sleep infinity
    start_idle "sluice with php-fpm" "$sluice" -- "$fpm_program" -y "$site/idle.conf"
    for i in "${!idle_pids[@]}"; do
        until_true 10 "${idle_names[i]} at rest" has_settled "${idle_pids[i]}"
    done
    for i in "${!idle_pids[@]}"; do before[i]=$(switches "${idle_pids[i]}"); done
    sleep "$idle_seconds"
    for i in "${!idle_pids[@]}"; do
        echo "| ${idle_names[i]} | $(status_field "${idle_pids[i]}" VmRSS) |" \
            "$(status_field "${idle_pids[i]}" RssAnon) |" \
            "$(($(switches "${idle_pids[i]}") - before[i])) |"
    done
    end_all
}

report_size() {
    local name file linked
    cat <<'EOF'

## Size on disk

Aim for the static binary of sluice: at most 2.2 MiB (2306867 bytes).

| binary | bytes | linked |
|---|---:|---|
EOF
    for name in tini dumb-init "$sluice"; do
        file=$(command -v "$name")
        linked=statically
        # The interpreter's name stands at the start of a dynamic one.
        head -c 4096 "$file" | grep -qa 'ld-linux' && linked=dynamically
        echo "| ${name##*/} | $(stat -L -c %s "$file") | $linked |"
    done
}
