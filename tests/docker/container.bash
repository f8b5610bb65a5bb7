# shellcheck shell=bash
# Containers of the tests, and what became of the requests to them. For sourcing by tests/docker/run,
# after ../app/site.bash and ../load/account.bash. Each case runs in a shell of its own.
# shellcheck disable=SC2034,SC2154 # much of this is for the cases, or from those that are sourced before

run_id=$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
label=sluice-test.run=$run_id
backlog=32 workers=4 # as in image/php-fpm.conf
script_root=/srv/app    # what the load's paths are below, as PHP-FPM is told

# run_container NAME [OPTION...] IMAGE [WORD...]: runs it in the background. Its whole name is
# "$(named NAME)".
run_container() {
    docker run --detach --name "$(named "$1")" --label "$label" --network "${network:-bridge}" "${@:2}" \
        >"$site/docker.out" 2>&1 || fail "docker run ${*:2}: $(<"$site/docker.out")"
}

# derived NAME LINE: an image of the tests' own: sluice8.2 with one line more in its Dockerfile.
derived() {
    derive "$1" sluice8.2 "$2"
}

# derive NAME BASE LINE...
derive() {
    printf 'FROM sluice-test/%s\n' "$2" >"$site/derived"
    printf '%s\n' "${@:3}" >>"$site/derived"
    DOCKER_BUILDKIT=0 docker build --force-rm --label sluice-test=image --tag "sluice-test/$1" - \
        <"$site/derived" >"$site/docker.out" 2>&1 || fail "$(<"$site/docker.out")"
}

named() {
    echo "sluice-test-$run_id-$1"
}

# make_network: a bridge of the case's own, on which containers have addresses that they keep; run_container
# puts them there. host_address N is the N-th.
make_network() {
    local third
    for third in 61 62 63 64; do
        subnet=10.213.$third
        docker network create --label "$label" --subnet "$subnet.0/24" "$(named net)" >/dev/null 2>&1 && break
    done
    network=$(named net)
}

# hold_address: an address that stays when the service's container is gone, and refuses then, as that of a
# pod does; it is in $held, and containers get it by --network "container:$(named hold)". The address
# of a container that is gone does not refuse, it hangs, and who connects to that one is counted as lost.
hold_address() {
    run_container hold --entrypoint /service sluice-test/scratch hold
    held=$(address_of hold)
    network=container:$(named hold)
}

state_of() { # NAME GO_TEMPLATE
    docker inspect --format "{{$2}}" "$(named "$1")"
}

address_of() {
    local found
    found=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(named "$1")")
    [[ $found ]] || fail "$1 has no address: $(logs_of "$1" | tail -n 5)"
    echo "$found"
}

logs_of() {
    docker logs "$(named "$1")" 2>&1
}

# Not by -q: grep would leave before docker has written all, and the pipe would break.
logs_tell() { # NAME PATTERN
    (($(logs_of "$1" | grep -cE -- "$2") > 0))
}

is_running() {
    [[ $(state_of "$1" .State.Running) == true ]]
}

is_healthy() {
    [[ $(state_of "$1" .State.Health.Status) == healthy ]]
}

answers() { # ADDRESS
    "$fcgi_load" --to "$1" --root "$script_root" --get "/work.php?ms=0" --clients 1 --requests 1 --wait 2s \
        --json 2>/dev/null | grep -q '"answered":1,'
}

front_answers() { # ADDRESS
    "$http_load" --to "$1" --get /work.php?ms=0 --clients 1 --requests 1 --wait 2s --json 2>/dev/null |
        grep -q '"answered":1,'
}

answers_or_ended() { # NAME ADDRESS
    answers "$2" && return
    is_running "$1" || fail "$1 has ended: $(logs_of "$1" | tail -n 8)"
    return 1
}

await_answer() { # NAME ADDRESS
    until_true 30 "an answer of $1 at $2" answers_or_ended "$1" "$2"
}

# load NAME ADDRESS OPTION...: FastCGI requests to an address.
load() {
    run_load "$1" "$fcgi_load" --to "$2" --root "$script_root" --wait 20s "${@:3}"
}

# full_load NAME ADDRESS [OPTION...]: as many clients as the accept queue has places, GET and POST; one place is
# left for a long request. With more of them a SYN may be dropped, and nobody judges who was late.
full_load() {
    load "$@" --clients "$backlog" --get '/work.php?ms=10' --post '/work.php?ms=10'
}

has_begun() { # NAME OF A CONTAINER, HOW MANY
    (($(logs_of "$1" | grep -c 'slow.php begins') >= $2))
}

# long_request CONTAINER ADDRESS MS: one request, in flight when this returns; its load's pid in $long_pid.
long_request() {
    local before others=$load_pid
    before=$(logs_of "$1" | grep -c 'slow.php begins' || true)
    load long "$2" --get "/slow.php?ms=$3" --clients 1 --requests 1
    long_pid=$load_pid load_pid=$others
    until_true 20 "a request in flight" has_begun "$1" $((before + 1))
}

long_answered() {
    wait "$long_pid" || true
    [[ $(json_field "$site/long.log" answered) == 1 ]]
}

# stop NAME [OPTION...]: docker stop; how long it took is in $stop_ms, the exit status in $status.
stop() {
    local began
    began=$(now_ms)
    docker stop "${@:2}" "$(named "$1")" >/dev/null
    stop_ms=$(($(now_ms) - began))
    status=$(state_of "$1" .State.ExitCode)
}

# await_exit NAME: until it has ended by itself; its exit status is in $status.
await_exit() {
    until_true 20 "the end of $1" has_ended "$1"
    status=$(state_of "$1" .State.ExitCode)
}

has_ended() {
    ! is_running "$1"
}

in_container() { # NAME COMMAND...
    docker exec "$(named "$1")" "${@:2}"
}

remove_containers() {
    local left of
    for of in "label=$label" "label=com.docker.compose.project=$(named c)"; do
        left=$(docker ps --all --quiet --filter "$of")
        # shellcheck disable=SC2086 # one word per container
        [[ -z $left ]] || docker rm --force --volumes $left >/dev/null
        left=$(docker network ls --quiet --filter "$of")
        # shellcheck disable=SC2086
        [[ -z $left ]] || docker network rm $left >/dev/null
        left=$(docker volume ls --quiet --filter "$of")
        # shellcheck disable=SC2086
        [[ -z $left ]] || docker volume rm $left >/dev/null
    done
}

# What is wrong with a case is collected, for one wrong thing says little of the next; what was
# measured goes into its line of the summary.
problems=()
wrong() {
    problems+=("$*")
}

# skip REASON: ends the case, which neither failed nor showed anything.
skip() {
    echo "$*" >"$site/problems"
    exit 77
}

measured() {
    printf '%s' "${*}; " >>"$site/measured"
}

# kept WHAT: of `account`: nothing was lost.
kept() {
    ((account[lost] == 0)) || wrong "$1 lost ${account[lost]} ($(reasons load))"
    ((account[cut] == 0)) || wrong "$1 cut ${account[cut]}"
    ((account[answered] > 0)) || wrong "$1 answered nothing"
    measured "$1 lost ${account[lost]} of ${account[sent]}"
}

# The control has to lose, or the test proves nothing.
not_kept() {
    ((account[lost] > 0)) || wrong "the control, $1, lost nothing: this proves nothing"
    measured "$1 lost ${account[lost]} of ${account[sent]}"
}

has_status() { # WANTED
    [[ $status == "$1" ]] || wrong "exit status $status instead of $1"
}

conclude() { # CONTAINER...
    ((${#problems[@]})) || return 0
    printf '%s; ' "${problems[@]}" >"$site/problems"
    exit 1
}
