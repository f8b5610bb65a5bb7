# shellcheck shell=bash
# The containers of tests/bench/fleet, what is done to all of them at once, and the account of the
# requests that are in flight meanwhile. For sourcing by it alone.
# shellcheck disable=SC2034,SC2154

# What is in flight has so long to go when the command begins. Nothing that loses nothing is quicker.
left_ms=1000

# create_all INIT: its containers, not started. What they write is read from the Engine's files: to
# ask for it 40 times would take more of the processor than what is measured.
create_all() {
    local number options
    init_options "$1"
    for number in $(seq -w 1 "$count"); do
        docker create --name "$(named "$1-$number")" --label "$label" "${options[@]}" \
            --volume "$releases:/srv/releases:ro" --volume "$site/slots:/srv/slots" \
            --volume "$site/sluice.toml:/etc/sluice.toml:ro" "sluice-test/${init_image[$1]}" >"$site/docker.out" 2>&1 ||
            fail "docker create: $(<"$site/docker.out")"
    done
}

fill_names() { # INIT
    mapfile -t names < <(for number in $(seq -w 1 "$count"); do named "$1-$number"; done)
}

start_all() {
    printf '%s\n' "${names[@]}" | xargs -P 4 -n 5 docker start >/dev/null
    # Known from the first start on.
    mapfile -t logs < <(docker inspect --format '{{.LogPath}}' "${names[@]}")
    await_all
}

# Their addresses change with each start.
await_all() {
    local i
    mapfile -t addresses < <(docker inspect \
        --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "${names[@]}")
    [[ $init != trivial ]] || return 0
    script_root=$(script_root_of "$init")
    for i in "${!names[@]}"; do await_one "$i"; done
}

await_one() { # NUMBER
    (until_true 120 "an answer of ${names[$1]}" answers "${addresses[$1]}:9000") && return
    docker logs --tail 8 "${names[$1]}" 2>&1 | cut -c 1-200 >&2
    ip neigh show "${addresses[$1]}" >&2
    docker exec "${names[$1]}" php -r 'echo @fsockopen("127.0.0.1", 9000) ? "inside it" : "not even inside it", " a connection is accepted\n";' >&2 || true
    fail "${names[$1]} at ${addresses[$1]} does not answer"
}

# lines PATTERN LOG...: how often it stands in each.
lines() {
    grep -cF -- "$1" "${@:2}" /dev/null | sed '$d; s/.*://'
}

# lines_came PATTERN: whether each of `watched` has one more than `lines_before`.
lines_came() {
    local i now
    mapfile -t now < <(lines "$1" "${watched[@]}")
    for i in "${!watched[@]}"; do ((now[i] > lines_before[i])) || return 1; done
}

watch_lines() { # PATTERN LOG...
    watched=("${@:2}")
    mapfile -t lines_before < <(lines "$1" "${watched[@]}")
}

# put_in_flight: a request in every fourth container, each with $left_ms to go when this returns, however
# long it took to send them.
put_in_flight() {
    local lead i due path
    flying=()
    [[ $init != trivial ]] || return 0
    for lead in 3000 8000 20000; do
        watch_lines 'slow.php begins' "${logs[@]}"
        watched=() flying=()
        local before=()
        due=$(($(now_ms) + lead + left_ms))
        for ((i = 0; i < count; i += 4)); do
            watched+=("${logs[i]}") before+=("${lines_before[i]}")
            load "flight$i" "${addresses[i]}:9000" --get "/slow.php?ms=$((due - $(now_ms)))" --clients 1 --requests 1
            flying+=("$i:$load_pid")
        done
        lines_before=("${before[@]}")
        until_true 60 "requests in flight" lines_came 'slow.php begins'
        (($(now_ms) > due - left_ms)) || break
        land >/dev/null # too slow a machine for that
    done
    sleep_until $((due - left_ms))
}

# land: waits for what was in flight; prints how many were sent, answered and lost. Whatever was not
# answered is lost, for nobody was refused: all had begun.
land() {
    local one sent=0 answered=0 got
    for one in "${flying[@]}"; do
        wait "${one#*:}" || fail "the generator failed: $(<"$site/flight${one%%:*}.log")"
        got=$(json_field "$site/flight${one%%:*}.log" answered)
        sent=$((sent + 1)) answered=$((answered + got))
    done
    echo "$sent $answered $((sent - answered))"
}

# It is done in this shell, for the generators are its children.
note_flight() { # METRIC
    local sent answered lost
    land >"$site/landed"
    read -r sent answered lost <"$site/landed"
    note "$init" "$1_sent" "$sent"
    note "$init" "$1_answered" "$answered"
    note "$init" "$1_lost" "$lost"
    forget_loads
}

# What has ended need not be looked for at the end.
forget_loads() {
    site_pids=()
}

# event METRIC COMMAND...: its wall time and what became of the requests; nothing is in flight if
# METRIC ends with _idle.
event() {
    local metric=$1 began
    shift
    flying=()
    [[ $metric == *_idle ]] || put_in_flight
    began=$(now_ms)
    "$@" >"$site/event.out" 2>&1 || fail "$*: $(tail -n 5 "$site/event.out")"
    note "$init" "$metric" $(($(now_ms) - began))
    [[ ! ${flying[*]} ]] || note_flight "$metric"
}

# --- reloads ------------------------------------------------------------------------------------

all_answer_version() { # VERSION
    local address
    for address in "${addresses[@]}"; do
        "$fcgi_load" --to "$address:9000" --root "$script_root" --get '/work.php?ms=0' --clients 1 --requests 1 \
            --wait 5s --json 2>/dev/null | grep -q "\"v$1\":1" || return 1
    done
}

# When the last of the logs got its newest line with this pattern: milliseconds since 1970.
last_line_at() { # PATTERN
    local log
    for log in "${logs[@]}"; do
        grep -F -- "$1" "$log" | tail -n 1 | sed 's/.*"time":"\([^"]*\)".*/\1/'
    done | date --file=- +%s%3N | sort -n | tail -n 1
}

# take_reload COMMAND...: until each has said that it serves new code. $reload_began is when the symlink
# was flipped, $reload_asked when the command had ended.
take_reload() {
    local line
    line=$(line_of_reload "$init")
    watch_lines "$line" "${logs[@]}"
    version=$((version + 1))
    write_release "$version"
    reload_began=$(now_ms)
    flip "$version"
    "$@" >"$site/event.out" 2>&1 || fail "$*: $(tail -n 5 "$site/event.out")"
    reload_asked=$(now_ms)
    until_true 180 "new code in each" lines_came "$line"
}

declare -A sum # of the accounts of an event's generators

add_account() {
    local field worst=${account[worst_ms]%.*}
    for field in sent answered lost refused late stalled; do
        sum[$field]=$((sum[$field] + ${account[$field]}))
    done
    ((worst <= sum[worst])) || sum[worst]=$worst
}

steady_loads() { # begin | end
    local i
    for ((i = 0; i < count; i += 4)); do
        if [[ $1 == begin ]]; then
            load "steady$i" "${addresses[i]}:9000" --rate 5 --get '/work.php?ms=5' --stall-after 500ms
            steady_pids[i]=$load_pid
        else
            load_pid=${steady_pids[i]}
            end_load "steady$i"
            add_account
        fi
    done
}

# reload_event METRIC COMMAND...: from the flip of the release's symlink until the last container has
# said that new connections meet the new code; and the command's own time. Every fourth container has a
# request in flight and gets five others a second.
reload_event() {
    local metric=$1 field sent answered lost steady_pids=()
    shift
    sum=([sent]=0 [answered]=0 [lost]=0 [refused]=0 [late]=0 [stalled]=0 [worst]=0)
    until_true 60 "old code" all_answer_version "$version"
    steady_loads begin
    put_in_flight
    take_reload "$@"
    note "$init" "$metric" $(($(last_line_at "$(line_of_reload "$init")") - reload_began))
    note "$init" "${metric}_command" $((reload_asked - reload_began))
    land >"$site/landed"
    steady_loads end
    read -r sent answered lost <"$site/landed"
    sum[sent]=$((sum[sent] + sent)) sum[answered]=$((sum[answered] + answered)) sum[lost]=$((sum[lost] + lost))
    ((sum[sent] == sum[answered] + sum[lost] + sum[refused] + sum[late])) ||
        fail "the account of $metric does not add up"
    for field in "${!sum[@]}"; do note "$init" "${metric}_$field" "${sum[$field]}"; done
    forget_loads
    until_true 60 "new code" all_answer_version "$version"
}

# --- the report ---------------------------------------------------------------------------------

table() {
    echo
    "$root/tests/bench/table" "$results" "$init_rows" "$@"
}

median_of() { # INIT METRIC
    sed -n "s/^$1,$2,//p" "$results" | sort -n | awk '{ v[NR] = $1 } END { print (NR ? v[int((NR + 1) / 2)] : "none") }'
}

# aim WHAT AT_MOST MEASURED
aim() {
    [[ $3 != *none* ]] || return 0
    awk -v what="$1" -v most="$2" -v got="$3" 'BEGIN {
        printf "| %s | %s | %s | %s |\n", what, most, got, (got + 0 <= most + 0) ? "met" : "missed" }'
}

quotient() {
    awk -v a="$1" -v b="$2" 'BEGIN { if (a == "none" || b == "none") print "none"; else printf "%.2f", a / b }'
}

# sluice's alone.
judge_aims() {
    printf '| aim, for 40 containers | at most | measured with %s | |\n|---|---:|---:|---|\n' "$count"
    aim "requests lost, in all of it" 0 "$(awk -F, '/^sluice,[a-z_]*_lost,/ { n += $3 } END { print n + 0 }' "$results")"
    aim "stop of all, idle, as a ratio to what Docker takes for nothing" 1.15 \
        "$(quotient "$(median_of sluice stop_idle)" "$(median_of trivial stop_idle)")"
    aim "reload of all by signal, ms" 2000 "$(median_of sluice reload)"
    aim "reload of all by watch, ms" 2000 "$(median_of sluice reload_watch)"
    aim "reload of all by sluice-fleet, ms" 4000 "$(median_of sluice reload_fleet)"
    aim "restart of all by sluice-fleet, as a ratio to docker restart for PHP-FPM alone" 0.33 \
        "$(quotient "$(median_of sluice restart_fleet)" "$(median_of quit restart)")"
}

report_fleet() {
    cat <<END
$count containers of each, $rounds rounds, in turns; $(nproc) cores; load average before the run: $load_before,
after it: $(cut -d ' ' -f 1-3 /proc/loadavg). Medians, and in brackets the least and the greatest.
$(describe_inits)

$(judge_aims)

![Time to stop, restart and reload all containers](fleet.svg)

### Stop of all: \`docker stop\` with all names

*Idle*: nothing is in flight. *Busy*: every fourth container has a request in flight that has $left_ms ms to go when
the command begins, so that a stop that loses nothing takes as long at least; that is why the aim, at most 1.15 times
Docker's own time, is one for the idle stop. Nothing was refused: what is not answered was lost.
END
    table "idle, ms=median:stop_idle" "ratio to nothing=ratio:stop_idle:trivial" "busy, ms=median:stop_busy" \
        "answered=of:stop_busy_answered:stop_busy_sent" "lost=sum:stop_busy_lost"
    cat <<END

### Restart of all

\`docker restart\` with all names takes one after another, so that most of what was in flight at its begin is over
when it comes to them. \`sluice-fleet restart\` takes all but the first at once (\`--parallel all\`) or, by default, a
quarter at a time, and ends when all are up again.
END
    table "docker restart, ms=median:restart" "ratio to PHP-FPM by QUIT=ratio:restart:quit" "lost=of:restart_lost:restart_sent" \
        "sluice-fleet, all at once, ms=median:restart_fleet" "lost=of:restart_fleet_lost:restart_fleet_sent" \
        "sluice-fleet, a quarter, ms=median:restart_quarter" "lost=of:restart_quarter_lost:restart_quarter_sent"
    cat <<END

### Reload of all

From the flip of the release's symlink until the last container has said that it serves new code, as by the Engine's
log; afterwards each was asked, and gave it. Every fourth container has a request in flight ($left_ms ms to go) and
gets five others a second. PHP-FPM alone, tini and dumb-init get USR2 by \`docker kill\`, sluice HUP; for s6 and
supervisord it is \`docker exec\` of \`s6-svc -r\` and \`supervisorctl restart\`, eight at a time. *Watch*: sluice sees the
flip by itself, $slots at a time (\`reload.slots\`). \`sluice-fleet\`: a canary, then eight at a time.  *Worst*: the slowest of the five a second; *waited*: how many of them took over 0.5 s.
END
    table "by signal, ms=median:reload" "of it the command, ms=median:reload_command" "lost=of:reload_lost:reload_sent" \
        "refused=sum:reload_refused" "worst, ms=worst:reload_worst" "waited=sum:reload_stalled"
    init_rows='reload=by signal,reload_watch=by watch,reload_fleet=by sluice-fleet'
    sed -n 's/^sluice,\(reload\(_watch\|_fleet\|\)\)\(_[a-z]*\)\{0,1\},\(.*\)/\1,ms\3,\4/p' "$results" >"$site/ways.csv"
    results=$site/ways.csv
    echo
    echo "sluice, by each of its ways:"
    table "ms=median:ms" "lost=of:ms_lost:ms_sent" "refused=sum:ms_refused" "worst, ms=worst:ms_worst" "waited=sum:ms_stalled"
}
