# shellcheck shell=bash
# A private site: nginx and PHP-FPM in a temporary directory, on free ports. For sourcing by
# quickstart and the tests; whoever sources it gets an EXIT trap that ends what it started.

app_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # for who sources this
fpm_program=${FPM_PROGRAM:-php-fpm8.2}
site_pids=()

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

now_ms() {
    local now=${EPOCHREALTIME/[.,]/}
    echo $((now / 1000))
}

# until_true SECONDS WHAT COMMAND...: polls until the command succeeds, fails after the time.
until_true() {
    local end=$(($(now_ms) + $1 * 1000)) what=$2
    shift 2
    until "$@"; do
        (($(now_ms) < end)) || fail "$what: not within its time"
        sleep 0.01
    done
}

is_listening() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Sets the named variable to another port each time, below the range that connect() takes its
# local ports from.
next_port=$((20000 + RANDOM % 10000))
free_port() {
    # shellcheck disable=SC2034 # a name for the variable of the caller
    local -n chosen=$1
    while is_listening "$next_port"; do next_port=$((next_port + 1)); done
    chosen=$next_port
    next_port=$((next_port + 1))
}

make_site() {
    site=$(mktemp -d "${TMPDIR:-/tmp}/sluice-site.XXXXXX")
    chmod 755 "$site" # FPM's workers are another user
    mkdir "$site/app"
    cp "$app_dir"/*.php "$site/app"
    trap end_site EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

# Starts a program in a session of its own: away from the terminal, and so that its whole tree can
# be found later. Its output is appended to $site/NAME.log, its pid to started.
start() {
    local name=$1
    shift
    started=
    setsid "$@" </dev/null >>"$site/$name.log" 2>&1 &
    started=$!
    site_pids+=("$started")
}

# mark_loads PID...: tells generators that the stop begins, and waits until they know it. On busy
# cores one would else take a request for an earlier one that the stop has refused.
mark_loads() {
    local pid log before
    for pid in "$@"; do
        log=$(readlink "/proc/$pid/fd/2") || continue # it has ended
        before=$(grep -c '^marked$' "$log" || true)
        kill -USR1 "$pid" 2>/dev/null || continue
        until (($(grep -c '^marked$' "$log" || true) > before)); do
            ! is_gone "$pid" || break
            sleep 0.001
        done
    done
}

is_gone() {
    ! kill -0 "$1" 2>/dev/null
}

pids_of_session() {
    local stat fields
    for stat in /proc/[0-9]*/stat; do
        read -r fields 2>/dev/null <"$stat" || continue
        # After the name, which may hold blanks: state, parent, group, session.
        read -r _ _ _ session _ <<<"${fields##*) }"
        [[ $session == "$1" ]] && echo "${fields%% *}"
    done
    return 0
}

end_tree() {
    local pid=$1 left
    # TERM, then what hurries sluice (a second INT), then the end.
    for step in TERM INT INT KILL; do
        left=$(pids_of_session "$pid")
        [[ $left ]] || return 0
        # shellcheck disable=SC2086 # one word per pid
        case $step in
        KILL) kill -KILL $left 2>/dev/null || true ;;
        *) kill "-$step" "$pid" 2>/dev/null || true ;;
        esac
        for _ in {1..50}; do
            [[ $(pids_of_session "$pid") ]] || return 0
            sleep 0.01
        done
    done
}

end_all() {
    local pid
    for pid in "${site_pids[@]}"; do end_tree "$pid"; done
    site_pids=()
    wait
}

end_site() {
    trap '' INT TERM HUP
    end_all
    rm -rf "$site"
}

# write_nginx NAME PORT SERVER...: the configuration $site/NAME.conf for these upstream addresses.
write_nginx() {
    local name=$1 port=$2 servers=
    shift 2
    for server in "$@"; do servers+="server $server max_fails=0; "; done
    sed -e "s|@DIR@|$site|g; s|@PORT@|$port|g; s|@SERVERS@|$servers|g" \
        "$app_dir/nginx.conf.in" >"$site/$name.conf"
}

# write_fpm NAME LISTEN WORKERS
write_fpm() {
    sed -e "s|@LISTEN@|$2|g; s|@WORKERS@|$3|g" "$app_dir/php-fpm.conf.in" >"$site/$1.conf"
}

start_nginx() {
    local name=$1 port=$2
    start "$name" nginx -c "$site/$name.conf" -e "$site/nginx-error.log"
    until_true 5 "nginx on port $port" is_listening "$port"
}

# json_field FILE NAME: a number out of http_load's line.
json_field() {
    sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" "$1"
}
