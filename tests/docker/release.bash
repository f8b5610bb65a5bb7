# shellcheck shell=bash
# What docs/release.md promises: each way to publish a release to several containers behind nginx, a broken one, and the
# database connections that it takes. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_release=(
    "pull: release_good pull"
    "pull-broken: release_broken pull"
    "symlink: release_good symlink"
    "symlink-slots: release_good symlink slots"
    "symlink-broken: release_broken symlink"
    "fleet: release_by_fleet"
    "connections-watch: connections_of_watch"
    "connections-slots: connections_of_slots"
    "connections-start-first: connections_of_swarm start-first"
    "connections-delay: connections_of_swarm start-first 10s"
    "connections-stop-first: connections_of_swarm stop-first"
)

database='' # HOST:PORT that each page keeps a connection to

# write_code FOLDER VERSION: the pages in public/, bin/check beside it. Two files tell the version, one of them in the
# place of the answer's file: an answer of mixed code names two.
write_code() {
    mkdir -p "$1/public" "$1/bin"
    cp "$root"/tests/app/*.php "$1/public"
    sed "s/__FILE__/'$2'/" "$root/tests/reloads/answer.php" >"$1/public/answer.php"
    {
        echo "<?php const VERSION = $2;"
        [[ ! $database ]] || echo "pfsockopen('tcp://$database');"
    } >"$1/public/version.php"
    echo '<?php exit(0);' >"$1/bin/check"
    chmod -R a+rX "$1"
}

break_code() { # FOLDER
    echo '<?php fwrite(STDERR, "no database" . PHP_EOL); exit(1);' >"$1/bin/check"
}

# in_git FOLDER WORD...: without the machine's own configuration.
in_git() {
    GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null git -C "$1" -c user.name=test -c user.email=test@localhost \
        -c safe.directory='*' "${@:2}" >>"$site/git.out" 2>&1 || fail "git ${*:2}: $(tail -n 5 "$site/git.out")"
}

commit() { # VERSION
    write_code "$site/work/origin" "$1"
    [[ ${2:-} != broken ]] || break_code "$site/work/origin"
    in_git "$site/work/origin" add --all
    in_git "$site/work/origin" commit --message "release $1"
}

# set_up HOW [slots]: release 1 in $site/work/app, which the containers have as /srv/app, and their sluice.toml.
set_up() {
    mkdir -p "$site/work/app" "$site/work/origin" "$site/work/slots"
    chmod 777 "$site/work/slots"
    if [[ $1 == pull ]]; then
        in_git "$site/work/origin" init --initial-branch main
        commit 1
        in_git "$site/work" clone "$site/work/origin" "$site/work/app"
        watched=/srv/app script_root=/srv/app/public
        reload_lines="watch = [\"$watched\"]"
    else
        publish_code 1
        script_root=public
        reload_lines=$'release = "/srv/app/current"\nwatch = ["/srv/app/current"]'
    fi
    [[ ${2:-} != slots ]] || reload_lines+=$'\nslots_dir = "/srv/slots"\nslots = '${slots:-1}
    chmod -R a+rX "$site/work/app"
    write_toml
}
slots=1

write_toml() {
    local check=/srv/app/bin/check
    [[ $script_root == /* ]] || check=bin/check
    cat >"$site/work/sluice.toml" <<END
[reload]
$reload_lines
[[reload.check]]
command = ["php", "$check"]
[[reload.warmup]]
script = "$script_root/work.php"
uri = "/work.php?ms=0"
count = 4
text = "ok "
END
}

publish_code() { # VERSION [broken]
    write_code "$site/work/app/releases/$1" "$1"
    [[ ${2:-} != broken ]] || break_code "$site/work/app/releases/$1"
    ln -sfn "releases/$1" "$site/work/app/current.new"
    mv -T "$site/work/app/current.new" "$site/work/app/current"
}

# What an operator does, on the host.
publish_by() { # HOW VERSION [broken]
    if [[ $1 == pull ]]; then
        commit "$2" "${3:-}"
        in_git "$site/work/app" pull --ff-only
        chmod -R a+rX "$site/work/app/public" "$site/work/app/bin"
    else
        publish_code "$2" "${3:-}"
    fi
}

# start_services HOW_MANY [OPTION...]: called r01 and so on; their addresses in `upstreams`.
start_services() {
    local number
    upstreams=() services=()
    for number in $(seq -w 1 "$1"); do
        run_container "r$number" --no-healthcheck --volume "$site/work/app:/srv/app:ro" --volume "$site/work/slots:/srv/slots" \
            --volume "$site/work/sluice.toml:/etc/sluice.toml:ro" "${@:2}" sluice-test/sluice8.2
        services+=("r$number")
        upstreams+=("$(address_of "r$number"):9000")
    done
    for number in "${!services[@]}"; do await_answer "${services[number]}" "${upstreams[number]}"; done
}

start_site() { # HOW [slots]
    set_up "$@"
    start_services 4
    start_front nginx max_fails=0
}

all_have() { # VERSION
    local upstream
    for upstream in "${upstreams[@]}"; do
        address=$upstream
        answers_version "$1" || return 1
    done
}

service_tells() { # NAME PATTERN
    logs_tell "$1" "$2"
}

# Nobody may answer from two releases at once: the version of one file, and of the other.
nobody_mixed() {
    local mixed
    mixed=$(awk -F, '$6 == "answered" && $7 != $9 { n++ } END { print n + 0 }' "$site/work/load.csv")
    ((mixed == 0)) || wrong "$mixed answers of mixed code"
    (($(awk -F, '$6 == "answered" && $7 > 0 { n++ } END { print n + 0 }' "$site/work/load.csv") > 0)) || wrong "no answer told its code"
}

lost_nothing() {
    kept "$1"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    nobody_mixed
    ((${account[worst_ms]%.*} < 1500)) || wrong "somebody waited ${account[worst_ms]%.*} ms"
}

release_good() { # HOW [slots]
    local began
    start_site "$@"
    front_load load --clients 12 --post '/work.php?ms=10' --get '/work.php?ms=10' --csv "$site/work/load.csv"
    until_true 20 "each page in opcache" all_have 1
    began=$(now_ms)
    publish_by "$1" 2
    until_true 60 "release 2 everywhere" all_have 2
    measured "4 containers in $(($(now_ms) - began)) ms"
    end_load load
    lost_nothing "the release"
    ((${account[v2]:-0} > 0)) || wrong "nobody got the new code"
    measured "worst ${account[worst_ms]%.*} ms"
}

is_well() { # NAME
    (($(in_container "$1" sluice status | grep -ci 'rolled back') == 0))
}

# The check fails: every container says so, none takes it up; and the next good release is taken.
release_broken() { # HOW
    local name
    start_site "$1"
    front_load load --clients 12 --post '/work.php?ms=10' --get '/work.php?ms=10' --csv "$site/work/load.csv"
    until_true 20 "each page in opcache" all_have 1
    publish_by "$1" 2 broken
    for name in "${services[@]}"; do until_true 30 "what $name says of it" service_tells "$name" 'rolled back'; done
    in_container "${services[0]}" sluice status | grep -qi 'rolled back' || wrong "sluice status does not tell it"
    in_container "${services[0]}" sluice status | grep -q 'no database' || wrong "sluice status does not tell what the check said"
    all_have 1 || wrong "the old release does not answer everywhere"
    if [[ $1 == pull ]]; then
        in_git "$site/work/app" reset --hard ORIG_HEAD
        for name in "${services[@]}"; do until_true 40 "$name with what was there before" is_well "$name"; done
    fi
    publish_by "$1" 3
    until_true 60 "release 3 everywhere" all_have 3
    end_load load
    lost_nothing "a broken release and its mend"
    [[ -z ${account[v2]:-} ]] || wrong "${account[v2]} met the broken release"
    logs_of "${services[0]}" | grep 'rolled back' | head -n 1
}

# The count of a stand-in for the database, which each worker keeps a connection to.
start_database() {
    start database python3 "$here/connections.py" "$site/work/connections"
    database_pid=$started
    until_true 10 "the database" test -s "$site/work/connections"
    database=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}'):$(cut -d ' ' -f 1 "$site/work/connections")
}

connections_now() {
    cut -d ' ' -f 2 "$site/work/connections"
}

most_connections() {
    cut -d ' ' -f 3 "$site/work/connections"
}

are_connected() { # HOW_MANY
    (($(connections_now) == $1))
}

# between LEAST MOST: of the database connections that were open at once.
between() {
    local most
    most=$(most_connections)
    measured "database connections: $steady before, $most at most"
    ((most > $1)) || wrong "no more than $1: nothing overlapped, this proves nothing"
    ((most <= $2)) || wrong "$most connections, and not $2 at most as docs/release.md has it"
}

# release_counted [slots]: 4 containers of 4 workers, all of which are asked.
release_counted() {
    start_database
    start_site symlink "$@"
    front_load load --clients 32 --get '/work.php?ms=20' --csv "$site/work/load.csv"
    steady=16
    until_true 30 "a connection of each worker" are_connected "$steady"
    publish_by symlink 2
    until_true 60 "release 2 everywhere" all_have 2
    until_true 60 "the end of the old generations" are_connected "$steady"
    end_load load
    lost_nothing "the release"
}

connections_of_watch() {
    release_counted
    between 20 32
}

connections_of_slots() {
    release_counted slots
    between 16 20
}

# Two replicas of 12 workers. With a delay the old replica has gone before the next new one comes.
connections_of_swarm() { # ORDER [DELAY]
    set_up_swarm "$1" dnsrr
    export UPDATE_DELAY=${2:-0s}
    start_database
    make_shop
    for version in 1 2; do
        derive "shop:$version" "shop:$version" \
            "RUN echo \"<?php const VERSION = $version; pfsockopen('tcp://$database');\" >public/version.php"
    done
    start_stack shop:1
    # No more than one replica's accept queue has room for.
    front_load load --clients 24 --get '/work.php?ms=20'
    steady=24
    until_true 30 "a connection of each worker" are_connected "$steady"
    deploy_stack shop:2
    until_true 120 "the end of the update" update_has_ended
    until_true 60 "the end of the old replicas" no_task_of shop:1
    until_true 60 "a connection of each worker" are_connected "$steady"
    end_load load
    kept sluice
    case $1:${2:-} in
    start-first:) between 24 48 ;;
    start-first:*) between 24 36 ;;
    stop-first:) between 1 24 ;;
    esac
}

sluice_fleet() { # WORD...
    local fleet=${SLUICE_FLEET:-$root/build/static/sluice-fleet}
    [[ -x $fleet ]] || skip "there is no $fleet (SLUICE_FLEET)"
    "$fleet" "$@" --label "$label" >"$site/work/fleet.out" 2>&1
}

# For mounts that send no events. The front has the label, too, and is no sluice.
set_up_for_fleet() {
    [[ -x ${SLUICE_FLEET:-$root/build/static/sluice-fleet} ]] || skip "there is no ${SLUICE_FLEET:-$root/build/static/sluice-fleet} (SLUICE_FLEET)"
    set_up symlink
    reload_lines='release = "/srv/app/current"'
    write_toml
}

release_by_fleet() {
    local got=0
    set_up_for_fleet
    start_services 4
    label_of_services=$label label=$label.front
    start_front nginx max_fails=0
    label=$label_of_services
    front_load load --clients 12 --post '/work.php?ms=10' --csv "$site/work/load.csv"
    until_true 20 "each page in opcache" all_have 1
    publish_code 2
    sluice_fleet reload || wrong "sluice-fleet: $(<"$site/work/fleet.out")"
    all_have 2 || wrong "not all have release 2"
    publish_code 3 broken
    sluice_fleet reload || got=$?
    ((got == 1)) || wrong "exit status $got of a release that has to be rolled back"
    (($(grep -c 'not begun' "$site/work/fleet.out") > 0)) || wrong "more than the canary was asked"
    all_have 2 || wrong "release 2 does not go on everywhere"
    end_load load
    lost_nothing "the releases"
    label=$label.front remove_containers
}
