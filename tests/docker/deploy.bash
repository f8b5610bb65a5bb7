# shellcheck shell=bash
# The files of deploy/: Swarm replaces two replicas behind nginx, Compose its containers, under load. For sourcing by
# tests/docker/run, after swarm.bash.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_deploy=(
    "start-first: swarm_keeps start-first dnsrr"
    "stop-first: swarm_keeps stop-first dnsrr"
    "no-announce: swarm_without_announce dnsrr"
    "control: swarm_control dnsrr 0s"
    "control-patient: swarm_control dnsrr 8s"
    "broken-start-first: swarm_broken start-first dnsrr check"
    "broken-stop-first: swarm_broken stop-first dnsrr check"
    "unhealthy: swarm_broken start-first dnsrr health"
    "vip-start-first: swarm_keeps start-first vip"
    "vip-stop-first: swarm_keeps stop-first vip"
    "vip-no-announce: swarm_without_announce vip"
    "vip-control: swarm_control vip 0s"
    "compose-up: compose_recreates"
    "compose-scale: compose_scales"
    "compose-control: compose_control"
)

order='' endpoint_mode='' stack_file=''

set_up_swarm() { # ORDER ENDPOINT_MODE
    order=$1 endpoint_mode=$2
    [[ $endpoint_mode != vip ]] || has_ipvs || skip "this kernel has no IPVS, so that no virtual IP answers"
    begin_swarm
}

# begin_loads: through nginx: short requests, and clients with long ones, so that each stop meets some in flight. They are
# longer than the 2 s that Swarm leaves between its last new connection and the signal.
begin_loads() {
    front_load long --clients 4 --post '/work.php?ms=4000'
    long_pid=$load_pid
    front_load load --rate 60 --post '/work.php?ms=20' --get '/work.php?ms=20' --csv "$site/work/load.csv"
}

# end_loads: `account` is that of both, as far as it is numbers that can be added.
end_loads() {
    local -A long
    local load=$load_pid key
    load_pid=$long_pid
    end_load long
    for key in lost cut refused answered sent late; do long[$key]=${account[$key]:-0}; done
    load_pid=$load
    end_load load
    for key in "${!long[@]}"; do account["$key"]=$((${account[$key]:-0} + ${long[$key]})); done
    worst=${account[worst_ms]%.*} # of the short ones
}

await_more() { # SECONDS: of load
    local end=$(($(now_ms) + $1 * 1000))
    until_true "$(($1 + 5))" "load" is_past "$end"
}

is_past() {
    (($(now_ms) >= $1))
}

# update_under_load IMAGE OLD_IMAGE: until the update has ended, either way, and what it replaced is gone.
update_under_load() {
    local began
    begin_loads
    await_more 2
    began=$(now_ms)
    deploy_stack "$1"
    until_true 120 "the end of the update" update_has_ended
    update_ms=$(($(now_ms) - began))
    if [[ $(update_state) == completed ]]; then until_true 60 "the end of the old replicas" no_task_of "$2"; fi
    await_more 2
    end_loads
}

# How many requests asked an address without a container, and waited for fastcgi_connect_timeout.
met_gone() {
    web_logs | grep -cE '(110|113): .*while connecting to upstream' || true
}

# How many were ended by who had taken them; nginx sends a GET again, so that nobody may have noticed.
were_reset() {
    web_logs | grep -cE '(104: |prematurely closed).*upstream' || true
}

refused_first() {
    web_logs | grep -cE '111: .*while connecting to upstream' || true
}

no_user_noticed() {
    kept sluice
    ((account[refused] == 0)) || wrong "502: ${account[refused]}"
    (($(met_gone) == 0)) || wrong "$(met_gone) requests met an address that was gone"
    (($(were_reset) == 0)) || wrong "$(were_reset) connections were reset, and nginx asked again"
}

only_version() { # VERSION
    front_load after --clients 2 --requests 40 --get '/work.php?ms=0'
    await_load after
    ((${account[v$1]:-0} == 40)) || wrong "not all of 40 from version $1: $(grep -o '"versions":{[^}]*}' "$site/after.log")"
}

# after_signal: of what the old release answered, how long after its container's stop signal the last was begun (it may be
# negative). From when each request was begun, and which container answered.
after_signal() {
    local line container signal
    for container in $(docker ps --all --quiet --filter "label=com.docker.swarm.service.name=${stack}_app" \
        --filter ancestor=sluice-test/shop:1); do
        signal=$(docker logs "$container" 2>&1 | sed -n 's/^\([^ ]*\) .*signal [A-Z]* from outside.*/\1/p' | head -n 1)
        [[ $signal ]] || continue
        signal=$(date -d "$signal" +%s.%N)
        awk -F, -v host="${container:0:12}" -v signal="$signal" '$9 == host { last = $1 }
            END { if (last) printf "%.0f ms ", (last - signal) * 1000 }' "$site/work/load.csv"
    done
}

swarm_keeps() { # ORDER ENDPOINT_MODE
    set_up_swarm "$1" "$2"
    make_shop
    start_stack shop:1
    update_under_load shop:2 shop:1
    [[ $(update_state) == completed ]] || wrong "the update: $(update_state), $(update_message)"
    measured "update $update_ms ms; worst $worst ms; last new request after the signal: $(after_signal)"
    no_user_noticed
    only_version 2
}

# What the announcement is for: the same without.
swarm_without_announce() { # ENDPOINT_MODE
    set_up_swarm stop-first "$1"
    make_shop
    for version in 1 2; do derive "shop:$version" "shop:$version" 'RUN sed -i "s/^announce.*//" /etc/sluice.toml'; done
    start_stack shop:1
    update_under_load shop:2 shop:1
    measured "without announce: 502 ${account[refused]}, refused and asked another $(refused_first), met an address that was gone $(met_gone)"
    measured "worst $worst ms; last new request after the signal: $(after_signal)"
    kept sluice
}

# PHP-FPM alone, as an official image has it (0s), and with a process_control_timeout: Swarm asks nobody to send it
# new requests 2 s before the signal, so that what is in flight is all that can be lost.
swarm_control() { # ENDPOINT_MODE PROCESS_CONTROL_TIMEOUT
    set_up_swarm stop-first "$1"
    make_bare_shop "$2"
    start_stack bare:1
    update_under_load bare:2 bare:1
    measured "502 ${account[refused]}, worst $worst ms"
    if [[ $2 == 0s ]]; then
        not_kept "bare FPM"
        (($(were_reset) > 0)) || wrong "nginx's log does not tell of it, and would not of others"
        return
    fi
    measured "bare FPM, process_control_timeout $2: lost ${account[lost]} of ${account[sent]}"
}

# The broken release never serves, and the replicas of the old one go on.
swarm_broken() { # ORDER ENDPOINT_MODE HOW
    set_up_swarm "$1" "$2"
    make_shop
    case $3 in
    check) derive shop:3 shop:2 'RUN echo "<?php const VERSION = 3;" >public/version.php && echo "<?php exit(1);" >bin/check' ;;
    # A container that runs, and never answers: the wrong command.
    health) derive shop:3 shop:2 'CMD ["sleep", "600"]' ;;
    esac
    start_stack shop:1
    update_under_load shop:3 shop:1
    [[ $(update_state) == rollback_completed ]] || wrong "the update: $(update_state), $(update_message)"
    measured "rolled back after $update_ms ms; Swarm says: $(update_message): $(task_errors)"
    no_user_noticed
    [[ -z ${account[v3]:-} ]] || wrong "${account[v3]} met the broken release"
    only_version 1
}

compose() { # IMAGE WORD...
    APP_IMAGE=sluice-test/$1 WEB_IMAGE=sluice-test/front-sluice WEB_PORT=$web_port docker-compose \
        --project-name "$(named c)" --file "$root/deploy/compose.yml" "${@:2}" >"$site/docker.out" 2>&1 ||
        fail "docker-compose ${*:2}: $(<"$site/docker.out")"
}

composed() { # SERVICE [FILTER]
    docker ps --quiet --filter "label=com.docker.compose.project=$(named c)" --filter "label=com.docker.compose.service=$1" \
        "${@:2}"
}

are_healthy() { # HOW_MANY
    (($(composed app --filter health=healthy | wc -l) == $1))
}

web_logs() {
    if [[ $in_swarm ]]; then docker service logs --raw "${stack}_web" 2>&1; else docker logs "$(composed web)" 2>&1; fi
}

start_compose() { # IMAGE
    compose "$1" up --detach
    front=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(composed web)"):80
    until_true 60 "an answer through nginx" front_answers "$front"
}

# scale_over IMAGE: as docs/deploy.md has it.
scale_over() {
    local old
    mapfile -t old < <(composed app)
    compose "$1" up --detach --no-recreate --scale app=4
    [[ $1 == bare* ]] || until_true 60 "four healthy containers" are_healthy 4
    docker stop "${old[@]}" >/dev/null
    docker rm "${old[@]}" >/dev/null
}

recreate() { # IMAGE
    compose "$1" up --detach
}

compose_under_load() { # HOW
    local began
    begin_loads
    await_more 1
    began=$(now_ms)
    "$@"
    update_ms=$(($(now_ms) - began))
    await_more 3
    end_loads
}

compose_scales() {
    make_shop
    start_compose shop:1
    until_true 60 "healthy containers" are_healthy 2
    compose_under_load scale_over shop:2
    measured "release $update_ms ms; refused and asked another $(refused_first), met an address that was gone $(met_gone), worst $worst ms"
    kept sluice
    ((account[refused] == 0)) || wrong "502: ${account[refused]}"
    only_version 2
    # And what the file says is what there is.
    compose shop:2 up --detach
    (($(composed app | wc -l) == 2)) || wrong "$(composed app | wc -l) containers instead of 2"
    only_version 2
}

# Compose takes both away at the same time: what was accepted is answered, and who comes then meets nobody.
compose_recreates() {
    make_shop
    start_compose shop:1
    compose_under_load recreate shop:2
    measured "release $update_ms ms; 502 or 504: $((account[refused] + account[lost])) of ${account[sent]}"
    ((account[refused] + account[lost] > 0)) || wrong "nobody noticed: the documents are wrong, or this proves nothing"
    (($(were_reset) == 0)) || wrong "$(were_reset) connections were reset"
    only_version 2
}

compose_control() {
    make_bare_shop 0s
    start_compose bare:1
    compose_under_load scale_over bare:2
    not_kept "bare FPM"
}
