# shellcheck shell=bash
# How long a release takes for forty containers on one node, for docs/release.md. It is shown and not judged, for others may
# use the machine. For sourcing by tests/docker/run, after release.bash and deploy.bash.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_forty=(
    "pull: forty_by_watch pull"
    "symlink: forty_by_watch symlink"
    "slots: forty_by_watch symlink slots"
    "fleet: forty_by_fleet"
    "start-first: forty_by_swarm start-first 10"
    "stop-first: forty_by_swarm stop-first 10"
    "compose: forty_by_compose"
)

# Idle, until all of them answer with the new release.
forty_by_watch() { # HOW [slots]
    local began
    slots=4
    set_up "$@"
    start_services 40
    all_have 1 || wrong "not all have release 1"
    began=$(now_ms)
    publish_by "$1" 2
    until_true 300 "release 2 everywhere" all_have 2
    measured "40 containers in $(($(now_ms) - began)) ms"
}

forty_by_fleet() {
    local began
    set_up_for_fleet
    start_services 40
    publish_code 2
    began=$(now_ms)
    sluice_fleet reload || wrong "sluice-fleet: $(<"$site/work/fleet.out")"
    measured "40 containers in $(($(now_ms) - began)) ms"
    all_have 2 || wrong "not all have release 2"
}

# With an interval of the health check that a node of forty can afford.
forty_by_swarm() { # ORDER PARALLELISM
    local began health_interval=15s replicas=40
    set_up_swarm "$1" dnsrr
    make_shop
    export REPLICAS=$replicas UPDATE_PARALLELISM=$2
    start_stack shop:1
    began=$(now_ms)
    deploy_stack shop:2
    until_true 900 "the end of the update" update_has_ended
    until_true 120 "the end of the old replicas" no_task_of shop:1
    measured "40 replicas in $(($(now_ms) - began)) ms, $(update_state)"
}

forty_by_compose() {
    export COMPOSE_HTTP_TIMEOUT=600 # of its own 60 s, on a machine that has much to do
    local began old
    make_shop
    compose shop:1 up --detach --scale app=40
    until_true 600 "40 healthy containers" are_healthy 40
    began=$(now_ms)
    mapfile -t old < <(composed app)
    compose shop:2 up --detach --no-recreate --scale app=80
    until_true 900 "80 healthy containers" are_healthy 80
    docker stop "${old[@]}" >/dev/null
    docker rm "${old[@]}" >/dev/null
    measured "40 containers in $(($(now_ms) - began)) ms"
}
