# shellcheck shell=bash
# sluice-fleet before a real daemon. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_fleet=(
    "kinds: fleet_kinds"
    "ways: fleet_ways"
    "refused: fleet_refused"
    "steps: fleet_steps"
    "canary: fleet_canary"
    "broken: fleet_broken"
    "vanishes: fleet_vanishes"
    "interrupted: fleet_interrupted"
    "killed: fleet_killed"
    "restart: fleet_restart"
    "cut: fleet_cut"
    "restart-interrupted: fleet_restart_interrupted"
    "forty: fleet_forty"
)

image=sluice-test/sluice8.2

# Its health check would be one command more a second in each container.
run_quiet() { # NAME [OPTION...] IMAGE [WORD...]
    run_container "$1" --no-healthcheck "${@:2}"
}

serves() {
    docker exec "$(named "$1")" /proc/1/exe health >/dev/null 2>&1
}

await_all() { # NAME...
    local name
    for name in "$@"; do until_true 30 "$name" serves "$name"; done
}

# run_fleet WORD...: of this test's containers; its exit status in $status, what it says in $site/work/fleet.out.
run_fleet() {
    status=0
    "$fleet" "$1" --label "$label" "${@:2}" >"$site/work/fleet.out" 2>&1 || status=$?
}

said() {
    grep -qE -- "$1" "$site/work/fleet.out" || fail "it did not say '$1': $(<"$site/work/fleet.out")"
}

ended_with() {
    ((status == $1)) || fail "exit status $status instead of $1: $(<"$site/work/fleet.out")"
}

generation() { # NAME
    docker exec "$(named "$1")" /proc/1/exe status --json | sed 's/.*"generations":\[{"number":\([0-9]*\).*/\1/'
}

is_generation() { # NAME N
    [[ $(generation "$1") == "$2" ]]
}

started_at() {
    docker inspect --format '{{.State.StartedAt}}' "$(named "$1")"
}

# Its reloads take until /tmp/go is there.
make_slow() { # NAME
    docker exec "$(named "$1")" sh -c 'rm -f /tmp/go; printf "%s\n" "[[reload.check]]" \
        "command = [\"sh\", \"-c\", \"until test -e /tmp/go; do sleep 0.05; done\"]" "timeout = \"60s\"" >/etc/sluice.toml'
}

let_go() {
    docker exec "$(named "$1")" touch /tmp/go
}

break_config() {
    docker exec "$(named "$1")" sh -c 'for file in /etc/php/*/fpm/php-fpm.conf; do echo "nonsense = 1" >>"$file"; done'
}

reloading() { # NAME
    docker exec "$(named "$1")" /proc/1/exe status --json | grep -q '"state":"reloading"'
}

start_fleet() { # WORD...: in the background; its pid in $fleet_pid
    rm -f "$site/fleet.log"
    start fleet "$fleet" "$1" --label "$label" "${@:2}"
    fleet_pid=$started
}

await_fleet() {
    until_true 60 "sluice-fleet's end" is_gone "$fleet_pid"
    status=0
    wait "$fleet_pid" 2>/dev/null || status=$?
    mv "$site/fleet.log" "$site/work/fleet.out"
}

fleet_said() {
    grep -qE -- "$1" "$site/fleet.log" 2>/dev/null
}

# What containers there are: one without a shell and read-only, one of another user without any
# capability, one behind an entrypoint script, one with a terminal, one behind Docker's own init.
fleet_kinds() {
    run_quiet nosh --read-only --tmpfs /tmp --tmpfs /run sluice-test/nosh8.2
    run_quiet user -u www-data --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp "$image"
    run_quiet script --entrypoint sh "$image" -c 'exec sluice docker-php-entrypoint php-fpm'
    run_quiet init --init "$image"
    run_quiet tty --tty "$image"
    local names=(nosh user script tty) name
    await_all "${names[@]}"
    until_true 30 "the one behind an init" docker exec "$(named init)" sluice health >/dev/null
    run_fleet reload
    ended_with 0
    said '5 containers: 5 done'
    for name in "${names[@]}"; do is_generation "$name" 2 || fail "$name was not reloaded"; done
    run_fleet restart --parallel all
    ended_with 0
    said '5 containers: 5 done, .*; 0 requests cut$'
    run_fleet status
    ended_with 0
    [[ $(grep -c ' running  1  ' "$site/work/fleet.out") == 5 ]] || fail "$(<"$site/work/fleet.out")"
    run_fleet status --json
    python3 -c 'import json, sys; assert len(json.load(sys.stdin)["containers"]) == 5' <"$site/work/fleet.out"
}

commands_since() { # TIME: how many commands were run in this test's containers
    docker events --since "$1" --until "$(date +%s.%N)" --filter event=exec_create --filter "label=$label" | wc -l
}

# As root it asks the sluices themselves; without the right to enter namespaces, over TCP, where the socket is
# in an unusual place and where another process holds the usual one, it runs commands.
fleet_ways() {
    local since names=(usual abstract other false) name word
    run_quiet usual "$image"
    run_quiet abstract --read-only --tmpfs /tmp "$image"
    run_quiet other -e SLUICE_CONTROL_SOCKET=/tmp/other.sock "$image"
    run_quiet false -e SLUICE_CONTROL_SOCKET=/tmp/other.sock "$image"
    docker exec --detach -e SLUICE_CONTROL_SOCKET=/run/sluice.sock "$(named false)" sluice sleep 600
    await_all "${names[@]}"
    until_true 30 "the false one" docker exec "$(named false)" sluice health --socket /run/sluice.sock >/dev/null
    for name in "${names[@]}"; do
        for word in status reload restart; do
            since=$(date +%s.%N)
            run_fleet "$word" --name "$(named "$name")"
            ended_with 0
            case $name in
            usual | abstract) (($(commands_since "$since") == 0)) || fail "$word of $name ran a command" ;;
            *) (($(commands_since "$since") > 0)) || fail "$word of $name ran no command" ;;
            esac
            [[ $word != reload ]] || is_generation "$name" 2 || fail "$name was not reloaded"
        done
    done
    since=$(date +%s.%N)
    status=0
    setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$fleet" reload --label "$label" \
        >"$site/work/fleet.out" 2>&1 || status=$?
    ended_with 0
    (($(commands_since "$since") >= 4)) || fail "without the right to enter namespaces it ran no command"
    for name in "${names[@]}"; do is_generation "$name" 2 || fail "$name was not reloaded"; done
}

# Who is chosen and is no sluice is refused before anything is done.
fleet_refused() {
    run_quiet a "$image"
    run_quiet b --entrypoint sleep "$image" 600
    await_all a
    run_fleet reload
    ended_with 125
    said "nothing was done, for the first process of $(named b) is not sluice"
    is_generation a 1 || fail "it was done"
    run_fleet reload --name "$(named "[x-z]")"
    ended_with 125
    said 'no running container matches'
    run_fleet reload --name "$(named a)" --canary nobody
    ended_with 125
    said 'is none of those that are chosen'
    docker pause "$(named a)" >/dev/null
    run_fleet reload --name "$(named a)"
    docker unpause "$(named a)" >/dev/null
    ended_with 1
    said 'it is paused'
}

# The steps come while they are taken.
fleet_steps() {
    run_quiet a "$image"
    await_all a
    make_slow a
    start_fleet reload
    until_true 20 "the reload" reloading a
    ! fleet_said 'a: starting' || fail "a step was told before it was taken"
    let_go a
    await_fleet
    ended_with 0
    said "a: starting"
    said "a: proving"
    run_fleet reload --json
    ended_with 0
    python3 -c '
import json, sys
events = [json.loads(line) for line in sys.stdin]
assert events[-1]["event"] == "account" and events[-1]["done"] == 1, events
assert [one["step"] for one in events if one["event"] == "step"][-1] == "switching", events' <"$site/work/fleet.out"
}

fleet_canary() {
    run_quiet a "$image"
    run_quiet b "$image"
    run_quiet c "$image"
    await_all a b c
    break_config b
    run_fleet reload --canary "$(named b)"
    ended_with 1
    said 'b +ROLLED BACK .*nonsense'
    said 'the canary .*b failed: nothing else was begun'
    said '3 containers: 1 rolled back, 2 not begun'
    is_generation a 1 || fail "another was reloaded"
    # After a canary that went well a broken one keeps nobody from being reloaded.
    run_fleet reload
    ended_with 1
    said '3 containers: 2 done, 1 rolled back'
    is_generation c 2 || fail "it was not reloaded"
}

# A restart that does not come up halts the rest.
fleet_broken() {
    run_quiet a "$image"
    run_quiet b "$image"
    run_quiet c "$image"
    await_all a b c
    break_config b
    run_fleet restart --parallel 1 --timeout 20s
    ended_with 1
    said 'b +FAILED .*ended with status 78'
    said 'b failed: nothing else was begun'
    said '3 containers: 1 done, 1 failed, 1 not begun'
}

fleet_vanishes() {
    run_quiet a "$image"
    run_quiet b "$image"
    await_all a b
    make_slow a
    start_fleet reload --name "$(named a)"
    until_true 20 "the reload" reloading a
    docker kill "$(named a)" >/dev/null
    await_fleet
    ended_with 1
    said 'it ended meanwhile with status 137'
    make_slow b
    start_fleet reload --name "$(named b)"
    until_true 20 "the reload" reloading b
    docker rm -f "$(named b)" >/dev/null
    await_fleet
    ended_with 1
    said 'it has gone meanwhile|it ended meanwhile'
}

# The first signal lets what runs finish, the second INT leaves it, and it goes on by itself.
fleet_interrupted() {
    run_quiet a "$image"
    run_quiet b "$image"
    await_all a b
    make_slow a
    start_fleet reload
    until_true 20 "the reload" reloading a
    kill -TERM "$fleet_pid"
    until_true 10 "the sentence" fleet_said 'what has begun is finished'
    let_go a
    await_fleet
    ended_with 1
    said '2 containers: 1 done, 1 not begun'
    is_generation a 2 || fail "it was not finished"
    is_generation b 1 || fail "another was begun"
    make_slow a
    start_fleet reload
    until_true 20 "the reload" reloading a
    kill -INT "$fleet_pid"
    until_true 10 "the sentence" fleet_said 'what has begun is finished'
    kill -INT "$fleet_pid"
    await_fleet
    ended_with 130
    said 'a +LEFT UNDONE .*its reload goes on in the container'
    let_go a
    until_true 30 "the reload that was left" is_generation a 3
}

# The reload is PID 1's: it goes on when its client's connection has gone.
fleet_killed() {
    run_quiet a "$image"
    await_all a
    make_slow a
    start_fleet reload
    until_true 20 "the reload" reloading a
    kill -KILL "$fleet_pid"
    await_fleet
    let_go a
    until_true 30 "the reload that was left" is_generation a 2
}

fleet_restart() {
    local name before
    for name in a b c d; do run_quiet "$name" "$image"; done
    run_quiet rm --rm "$image"
    await_all a b c d rm
    before=$(started_at c)
    run_fleet restart --pause 100ms
    ended_with 0
    said '5 containers: 5 done, .*; 0 requests cut$'
    [[ $(started_at c) != "$before" ]] || fail "it was not restarted"
    for name in a b c d rm; do serves "$name" || fail "$name is not up"; done # --rm or not
}

in_flight() { # NAME COUNT
    docker exec "$(named "$1")" /proc/1/exe status --json | grep -q "\"in_flight\":$2"
}

# What a stop cut is told, by either format of the log.
fleet_cut() {
    local format
    for format in text json; do
        run_quiet $format -e SLUICE_DRAIN_DEADLINE=1s -e SLUICE_DRAIN_QUEUE=200ms \
            -e SLUICE_LOG_FORMAT=$format "$image"
        await_all $format
        start load-$format "$fcgi_load" --to "$(address_of $format):9000" --root "$script_root" --get '/slow.php?ms=20000' --clients 2 --requests 2
        until_true 20 "the requests" in_flight $format 2
    done
    run_quiet none --log-driver none -e SLUICE_DRAIN_DEADLINE=1s -e SLUICE_DRAIN_QUEUE=200ms "$image"
    await_all none
    run_fleet restart --parallel all
    ended_with 0
    said 'text +done +[^ ]+ m?s +2$'
    said 'json +done +[^ ]+ m?s +2$'
    said 'none +done +[^ ]+ m?s +unknown$'
    said '; 4 requests cut, unknown of 1$'
}

draining() {
    docker exec "$(named "$1")" /proc/1/exe status --json 2>/dev/null | grep -q '"state":"draining"'
}

restarted_since() { # NAME TIME
    [[ $(started_at "$1") != "$2" && $(docker inspect --format '{{.State.Running}}' "$(named "$1")") == true ]]
}

# Whatever ends sluice-fleet in the middle of a restart, the container comes up again.
fleet_restart_interrupted() {
    local name before signal
    for name in a b; do run_quiet $name -e SLUICE_DRAIN_ANNOUNCE=2s "$image"; done
    await_all a b
    before=$(started_at a)
    start_fleet restart
    until_true 20 "the stop" draining a
    kill -INT "$fleet_pid"
    await_fleet
    ended_with 1
    said '2 containers: 1 done, 1 not begun'
    [[ $(started_at a) != "$before" ]] || fail "it was not restarted"
    for signal in INT KILL; do
        before=$(started_at a)
        start_fleet restart
        until_true 20 "the stop" draining a
        kill -INT "$fleet_pid"
        until_true 10 "the sentence" fleet_said 'what has begun is finished'
        kill -$signal "$fleet_pid"
        await_fleet
        if [[ $signal == INT ]]; then
            ended_with 130
            said 'a +LEFT UNDONE .*the Engine goes on restarting it'
        fi
        until_true 30 "the restart that was left" restarted_since a "$before"
        await_all a
    done
}

# Processor time of everything in tests/docker/with's namespaces, the daemon's and the containers' too;
# nothing where the daemon is another.
processor_ms() {
    local groups=/sys/fs/cgroup
    [[ ${DOCKER_HOST:-} == */sluice-docker.*/docker.sock ]] || return 0
    if [[ -e $groups/cpuacct/cpuacct.usage ]]; then
        echo $(($(<$groups/cpuacct/cpuacct.usage) / 1000000))
    elif [[ -e $groups/cpu.stat ]]; then
        awk '$1 == "usage_usec" { print int($2 / 1000) }' $groups/cpu.stat
    fi
}

# timed WHAT COMMAND...: its time, and the processor time, into the case's line.
timed() {
    local began before after took
    began=$(now_ms) before=$(processor_ms)
    "${@:2}"
    took=$(($(now_ms) - began)) after=$(processor_ms)
    measured "$1 $took ms${after:+, $((after - before)) ms of processor time}"
}

# forty IMAGE: their names in `names`.
forty() {
    local number
    names=()
    for number in $(seq -w 1 40); do
        run_quiet "$number" "$1"
        names+=("$(named "$number")")
    done
}

# How long a node of forty takes, a quarter of which has a request in flight at the reload, and what it is for
# `docker restart` with PHP-FPM alone; shown, and not judged, for others may use the machine.
fleet_forty() {
    local names name
    forty "$image"
    for name in "${names[@]}"; do await_all "${name##*-}"; done
    for name in 04 08 12 16 20 24 28 32 36 40; do
        start "load-$name" "$fcgi_load" --to "$(address_of $name):9000" --root "$script_root" \
            --get '/slow.php?ms=10000' --clients 1 --requests 1
    done
    for name in 04 08 12 16 20 24 28 32 36 40; do until_true 20 "a request" in_flight $name 1; done
    timed reload run_fleet reload
    ended_with 0
    timed status run_fleet status
    ended_with 0
    end_all
    timed "restart, 10 at a time" run_fleet restart
    ended_with 0
    timed "restart, 4 at a time" run_fleet restart --parallel 4
    ended_with 0
    timed "restart, all at once" run_fleet restart --parallel all
    ended_with 0
    remove_containers
    forty sluice-test/php8.2
    timed "docker restart" docker restart "${names[@]}" >/dev/null
}
