# shellcheck shell=bash
# What can stand in front of PHP-FPM in a container, as data: for sourcing by what compares them, after
# ../docker/container.bash. The images are tests/docker/images', of one root folder with PHP-FPM 8.2.
# Each has the settings that are best for it: all but `term` and `quit` finish what is in flight, by
# QUIT and process_control_timeout = 8s; those two are what an official image does by itself.
# shellcheck disable=SC2034,SC2154 # for who sources this, and from what was sourced before

all_inits=(trivial term quit waits tini dumb-init s6 supervisord sluice)
inits_images=(trivial waits tini dumb-init s6 supervisord sluice8.2)
inits_debs=(s6 supervisor)

declare -A init_image=([trivial]=trivial [term]=php8.2 [quit]=php8.2 [waits]=waits [tini]=tini
    [dumb-init]=dumb-init [s6]=s6 [supervisord]=supervisord [sluice]=sluice8.2)
# The last line of a reload: then new connections meet new code.
ready_line='ready to handle connections'
reloaded_line='reload: done in'

# Outside of the daemon's namespace, where there is a network.
load_packages() {
    local package
    "$root/tests/roots/make" 8.2 >/dev/null
    for package in "${inits_debs[@]}"; do "$root/tests/roots/debs" 8.2 "$package" >/dev/null; done
}

# init_options INIT: of docker create, in `options`. A health check would take the processor from what is measured.
init_options() {
    options=(--no-healthcheck)
    [[ $1 != term ]] || options+=(--stop-signal SIGTERM)
}

# How each takes new code. USR2 is PHP-FPM's own reload; s6 and supervisord are asked to start the
# service again.
reload_with() { # INIT CONTAINER...
    case $1 in
    sluice) docker kill --signal HUP "${@:2}" >/dev/null ;;
    s6) each_exec s6-svc -r /service/php-fpm -- "${@:2}" ;;
    supervisord) each_exec supervisorctl restart php-fpm -- "${@:2}" ;;
    *) docker kill --signal USR2 "${@:2}" >/dev/null ;;
    esac
}

# each_exec COMMAND... -- CONTAINER...: docker exec in each, eight at a time.
each_exec() {
    local command=()
    until [[ $1 == -- ]]; do command+=("$1") && shift; done
    printf '%s\n' "${@:2}" | xargs -P 8 -I '{}' docker exec '{}' "${command[@]}" >/dev/null
}

line_of_reload() { # INIT
    if [[ $1 == sluice ]]; then echo "$reloaded_line"; else echo "$ready_line"; fi
}

# note INIT METRIC VALUE: one measurement, for tests/bench/table and the plots.
note() {
    echo "$1,$2,$3" >>"$results"
}

# A release is a folder: the pages of tests/app, and a version that all of their answers tell.
write_release() { # VERSION
    local release=$releases/$1/public
    mkdir -p "$release"
    cp "$root"/tests/app/*.php "$release"
    cp "$root/tests/reloads/answer.php" "$release"
    echo "<?php const VERSION = $1;" >"$release/version.php"
    chmod -R a+rX "$releases"
}

flip() { # VERSION
    ln -sfn "$1" "$releases/current.new"
    mv -T "$releases/current.new" "$releases/current"
}

# write_sluice_config LINE...: of [reload]. Where it is mounted the file has to stay the same one.
write_sluice_config() {
    {
        printf '%s\n' '[reload]' 'release = "/srv/releases/current"' "$@"
        printf '%s\n' '[[reload.warmup]]' 'script = "public/work.php"' 'uri = "/work.php?ms=0"' \
            'count = 2' 'text = "ok "'
    } >"$site/sluice.toml"
}

# Where the load's paths are, as PHP-FPM is told: sluice's pools stand in the release's folder.
script_root_of() { # INIT
    if [[ $1 == sluice ]]; then echo public; else echo /srv/releases/current/public; fi
}

sleep_until() { # MS
    local wait=$(($1 - $(now_ms)))
    ((wait <= 0)) || sleep "$((wait / 1000)).$(printf '%03d' $((wait % 1000)))"
}

end_bench() {
    trap '' INT TERM HUP
    end_all
    remove_containers
    rm -rf "$site"
}

# For tests/bench/table: the rows, and how they are called there.
init_rows='trivial=nothing (Docker alone),term=PHP-FPM by TERM,quit=PHP-FPM by QUIT,waits=PHP-FPM that waits'
init_rows+=',tini,dumb-init,s6,supervisord,sluice=**sluice**'

describe_inits() {
    cat <<'END'
*nothing* is a static program that ends at once: what Docker itself takes. *PHP-FPM by TERM* and *by QUIT* are
PHP-FPM alone as in an official image, which says QUIT; *PHP-FPM that waits* gets QUIT and has
`process_control_timeout = 8s`, and so it has under tini, dumb-init, s6 and supervisord, which pass QUIT on or send it
(`down-signal`, `stopsignal`). *s6* is Debian's package with s6-svscan as PID 1, as in s6-overlay.
END
}
