# shellcheck shell=bash
# A Swarm of this one node, the stack of deploy/, and the images of an application that is in its image. For
# sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

web_port=8318
in_swarm='' # this case's own doing
had_gwbridge=''

# begin_swarm: over the loopback interface; its tasks and networks end with it (end_swarm).
begin_swarm() {
    [[ $(docker info --format '{{.Swarm.LocalNodeState}}') == inactive ]] || skip "the daemon is in a swarm already"
    [[ -z $(docker network ls --quiet --filter name='^docker_gwbridge$') ]] || had_gwbridge=yes
    in_swarm=yes
    docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1 >"$site/docker.out" 2>&1 ||
        fail "docker swarm init: $(<"$site/docker.out")"
}

end_swarm() {
    [[ $in_swarm ]] || return 0
    docker swarm leave --force >/dev/null 2>&1 || true
    [[ $had_gwbridge ]] || docker network rm docker_gwbridge >/dev/null 2>&1 || true
}

# What stands behind a virtual IP. Debian's kernels have it as a module.
has_ipvs() {
    [[ -e /proc/net/ip_vs ]] || { command -v modprobe >/dev/null && modprobe ip_vs 2>/dev/null; } || true
    [[ -e /proc/net/ip_vs ]]
}

# make_release VERSION: sluice-test/shop:VERSION, made by deploy/Dockerfile of deploy's files. Its answers tell the
# version, and as the file that gave them the container.
make_release() {
    local context=$site/work/context
    mkdir -p "$context/app/public" "$context/app/bin"
    cp "$root"/deploy/* "$context"
    cp "$(realpath "${SLUICE:-$root/build/static/sluice}")" "$context/sluice"
    cp "$root"/tests/app/*.php "$context/app/public"
    sed 's/__FILE__/gethostname()/' "$root/tests/reloads/answer.php" >"$context/app/public/answer.php"
    echo "<?php const VERSION = $1;" >"$context/app/public/version.php"
    echo '<?php exit(is_file(__DIR__ . "/../public/version.php") ? 0 : 1);' >"$context/app/bin/check"
    find "$context" -exec touch -d @0 {} + # Docker's cache goes by it, too
    DOCKER_BUILDKIT=0 docker build --force-rm --label sluice-test=image --build-arg BASE=sluice-test/shop-base \
        --tag "sluice-test/shop:$1" "$context" >"$site/docker.out" 2>&1 || fail "$(<"$site/docker.out")"
}

# make_shop: releases 1 and 2. While one replica is away the other has to carry the load: 12 workers.
make_shop() {
    derive shop-base php8.2 'RUN printf "[www]\npm.max_children = 12\n" >/etc/php-fpm.d/workers.conf'
    make_release 1
    make_release 2
}

# The same releases with PHP-FPM alone.
make_bare_shop() { # PROCESS_CONTROL_TIMEOUT
    local version
    make_shop
    for version in 1 2; do
        derive "bare:$version" "shop:$version" 'ENTRYPOINT ["docker-php-entrypoint"]' 'CMD ["php-fpm"]' 'HEALTHCHECK NONE' \
            "RUN printf '[global]\nprocess_control_timeout = $1\\n' >/etc/php-fpm.d/control.conf"
    done
}

# deploy_stack IMAGE: deploy/stack.yml as it is; $stack is its name.
deploy_stack() {
    stack=$(named s)
    APP_IMAGE=sluice-test/$1 WEB_IMAGE=sluice-test/front-sluice WEB_PORT=$web_port HEALTH_INTERVAL=${health_interval:-1s} UPDATE_MONITOR=3s \
        UPDATE_ORDER=$order ENDPOINT_MODE=$endpoint_mode docker stack deploy --resolve-image never \
        --compose-file "${stack_file:-$root/deploy/stack.yml}" "$stack" >"$site/docker.out" 2>&1 || fail "$(<"$site/docker.out")"
}

# start_stack IMAGE: until both replicas run and answer through nginx, at $front.
start_stack() {
    deploy_stack "$1"
    until_true $((60 + 15 * ${replicas:-2})) "the replicas" has_replicas "${replicas:-2}"
    until_true 30 "the network of published ports" docker network inspect docker_gwbridge >/dev/null 2>&1
    front=$(docker network inspect docker_gwbridge --format '{{(index .IPAM.Config 0).Gateway}}'):$web_port
    until_true 60 "an answer through nginx" front_answers "$front"
}

has_replicas() {
    [[ $(docker service ls --filter "name=${stack}_app" --format '{{.Replicas}}') == "$1/$1" ]]
}

update_state() {
    docker service inspect --format '{{with .UpdateStatus}}{{.State}}{{end}}' "${stack}_app"
}

update_message() {
    docker service inspect --format '{{with .UpdateStatus}}{{.Message}}{{end}}' "${stack}_app"
}

update_has_ended() {
    case $(update_state) in completed | rollback_completed | paused | rollback_paused) ;; *) return 1 ;; esac
}

tasks_of() { # IMAGE: its containers that run
    docker ps --quiet --filter "label=com.docker.swarm.service.name=${stack}_app" --filter "ancestor=sluice-test/$1"
}

no_task_of() { # IMAGE
    [[ -z $(tasks_of "$1") ]]
}

app_logs() {
    docker service logs --raw "${stack}_app" 2>&1
}

# How Swarm says why it gave a replica up.
task_errors() {
    docker service ps --no-trunc --format '{{.Error}}' "${stack}_app" | sed '/^$/d' | sort | uniq -c | sed 's/^ *//' | paste -sd ';'
}
