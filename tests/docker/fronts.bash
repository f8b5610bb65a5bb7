# shellcheck shell=bash
# A web server in front of two PHP-FPM, one of which is stopped under load. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_fronts=(
    "nginx-tcp: front_beside_control nginx tcp"
    "nginx-unix: front_beside_control nginx unix"
    "haproxy-tcp: front_beside_control haproxy tcp"
    "haproxy-unix: front_beside_control haproxy unix"
    "apache-tcp: front_beside_control apache tcp"
    "apache-unix: front_beside_control apache unix"
    "nginx-stopped: front_itself"
)

# make_upstreams TRANSPORT IMAGE NAME...: PHP-FPM's of these names; `upstreams`, as in `listen`, and for
# each ADDRESS as it is to be seen from here in `outside`.
make_upstreams() {
    local transport=$1 image=$2 name
    shift 2
    upstreams=() outside=()
    mkdir -p "$site/work/run"
    chmod 777 "$site/work/run"
    for name in "$@"; do
        if [[ $transport == unix ]]; then
            upstreams+=("/run/fpm/$name.sock")
            outside+=("$site/work/run/$name.sock")
            printf '[www]\nlisten = /run/fpm/%s.sock\n%s\n' "$name" "$pool_lines" >"$site/work/$name.conf"
        else
            upstreams+=("$subnet.$((10 + ${#upstreams[@]})):9000")
            outside+=("${upstreams[-1]}")
            printf '[www]\n%s\n' "$pool_lines" >"$site/work/$name.conf"
        fi
        # PHP-FPM alone is given time to finish, or the control would lose even more.
        [[ $image != php* ]] || printf '[global]\nprocess_control_timeout = 8s\n' >>"$site/work/$name.conf"
        run_container "$name" --ip "$subnet.$((9 + ${#upstreams[@]}))" --volume "$site/work/run:/run/fpm" \
            --volume "$site/work/$name.conf:/etc/php-fpm.d/name.conf:ro" "${upstream_options[@]}" "sluice-test/$image"
    done
    for name in "$@"; do
        await_answer "$name" "${outside[0]}"
        outside=("${outside[@]:1}" "${outside[0]}")
    done
}
upstream_options=() pool_lines=''

# The first of two upstreams is stopped with a request of 2 s in flight.
stop_behind() { # FRONT TRANSPORT IMAGE
    local long=''
    make_network
    make_upstreams "$2" "$3" first second
    address=${outside[0]}
    start_front "$1"
    front_load load --rate 60 --post '/work.php?ms=20' --requests 360
    long_request first "$address" 2000
    kill -USR1 "$load_pid"
    stop first
    await_load load
    long_answered || long=lost
    logs_of first | tail -n 2
    long_lost=$long
}

front_beside_control() { # FRONT TRANSPORT
    stop_behind "$1" "$2" sluice8.2
    kept "sluice"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    (($(upstream_errors '104: |prematurely closed') == 0)) || wrong "connections were reset, and $1 asked again"
    ((account[lost] == 0)) || logs_of front | tail -n 12
    [[ -z $long_lost ]] || wrong "the request in flight was lost"
    has_status 0
    measured "worst ${account[worst_ms]%.*} ms, stop $stop_ms ms"
    remove_containers
    rm -rf "$site/work"
    mkdir "$site/work"
    stop_behind "$1" "$2" php8.2
    ((account[lost] + account[late] > 0)) || wrong "the control lost nothing and let nobody wait: this proves nothing"
    measured "bare FPM lost ${account[lost]}, late ${account[late]} of ${account[sent]}"
}

# The web server itself is stopped: nginx under sluice answers what it has accepted.
front_itself() {
    make_network
    make_upstreams tcp sluice8.2 first
    hold_front sluice-test/front-sluice
    front_load load --clients 8 --post '/work.php?ms=100'
    until_true 10 "load" load_is_on
    kill -USR1 "$load_pid"
    stop front
    end_load load
    kept "nginx under sluice"
    ((account[after_refused] > 0)) || wrong "nobody was refused after the stop"
    has_status 0
    measured "stop $stop_ms ms"
}

# nginx in front on an address that stays when it is gone.
hold_front() { # IMAGE
    run_container hold --entrypoint /service sluice-test/scratch hold
    write_nginx_conf
    front=$(address_of hold):80
    network=container:$(named hold) run_container front --volume "$site/work/nginx.conf:/etc/front.conf:ro" \
        "$1" nginx -c /etc/front.conf
    until_true 20 "an answer through nginx" front_answers_or_ended
}

load_is_on() {
    (($(ss -Htn state established dst "${front%:*}" | wc -l) > 4))
}
