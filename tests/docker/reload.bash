# shellcheck shell=bash
# New code: in a folder of the host or in the image. For sourcing by tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_reload=(
    "wait: reload_symlinked exec"
    "signal: reload_symlinked HUP"
    "watch: reload_symlinked watch"
    "unix: reload_symlinked exec unix"
    "7.4: reload_symlinked exec tcp 7.4"
    "8.4: reload_symlinked watch tcp 8.4"
    "in-place: reload_in_place"
    "broken: reload_broken"
    "control: reload_control"
    "baked: reload_baked"
    "many: reload_many"
)

# A release is a folder: the pages of tests/app, and a version that all of their answers tell.
write_release() { # FOLDER VERSION
    mkdir -p "$1"
    cp "$root"/tests/app/*.php "$1"
    cp "$root/tests/reloads/answer.php" "$1"
    echo "<?php const VERSION = $2;" >"$1/version.php"
    chmod -R a+rX "$site/work"
}

publish() { # VERSION
    write_release "$site/work/app/releases/$1/public" "$1"
    ln -sfn "releases/$1" "$site/work/app/current.new"
    mv -T "$site/work/app/current.new" "$site/work/app/current"
}

# Release 1, mounted from the host, and a sluice.toml that names the symlink.
make_released_service() { # TRANSPORT PHP [LINE OF reload...]
    local transport=$1 php=$2
    shift 2
    publish 1
    {
        printf '%s\n' '[reload]' 'release = "/srv/releases/current"' "$@"
        printf '%s\n' '[[reload.warmup]]' 'script = "public/work.php"' 'uri = "/work.php?ms=0"' 'count = 4' 'text = "ok "'
    } >"$site/work/sluice.toml"
    script_root=public
    make_service "$transport" "sluice$php" --volume "$site/work/app:/srv/releases:ro" \
        --volume "$site/work/sluice.toml:/etc/sluice.toml:ro"
}

answers_version() { # VERSION
    "$fcgi_load" --to "$address" --root "$script_root" --get '/work.php?ms=0' --clients 1 --requests 1 --wait 2s \
        --json 2>/dev/null | grep -q "\"v$1\":1"
}

# The load itself: when another request has been answered by new code, those that were queued before the switch
# are still to come.
load_got_version() {
    awk -F, -v wanted="$1" '$7 == wanted { found = 1 } END { exit !found }' "$site/work/load.csv"
}

# took_over VERSION: after load and reload: nobody was lost, refused or late, and after the first answer of
# the new code nobody got the old.
took_over() {
    end_load load
    kept "a reload"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    ((${account[stale]:-0} == 0)) || wrong "${account[stale]} got old code after new code had answered"
    ((${account[v$1]:-0} > 0)) || wrong "nobody got the new code"
    # The request in flight takes 2 s. Behind a reload of PHP-FPM's own everybody waits for it.
    ((${account[worst_ms]%.*} < 1500)) || wrong "somebody waited ${account[worst_ms]%.*} ms"
    long_answered || wrong "the request in flight was lost"
}

ask_reload() { # HOW
    case $1 in
    exec) in_container fpm sluice reload --wait ;;
    watch) ;;
    *) docker kill --signal "$1" "$(named fpm)" >/dev/null ;;
    esac
}

reload_symlinked() { # HOW [TRANSPORT] [PHP]
    local how=$1 lines=()
    [[ $how != watch ]] || lines=('watch = ["/srv/releases/current"]')
    make_released_service "${2:-tcp}" "${3:-8.2}" "${lines[@]}"
    full_load load "$address" --csv "$site/work/load.csv"
    long_request fpm "$address" 2000
    [[ $how == watch ]] || publish 2
    # Without this the test could pass with no reload at all.
    [[ $how == watch ]] || answers_version 1 || wrong "new code before the reload"
    [[ $how != watch ]] || publish 2
    ask_reload "$how" || wrong "the reload failed"
    until_true 20 "version 2" load_got_version 2
    took_over 2
    measured "worst ${account[worst_ms]%.*} ms"
    stop fpm
    has_status 0
}

# git pull: the files are replaced where they are. opcache keeps what it has until the reload.
reload_in_place() {
    write_release "$site/work/app" 1
    make_service tcp sluice8.2 --volume "$site/work/app:/srv/app:ro"
    full_load load "$address"
    long_request fpm "$address" 1000
    until_true 10 "each page in opcache" answers_version 1
    echo '<?php const VERSION = 2;' >"$site/work/app/version.php"
    answers_version 1 || wrong "new code before the reload"
    in_container fpm sluice reload --wait || wrong "the reload failed"
    answers_version 2 || wrong "old code after the reload"
    end_load load
    kept "a reload"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    long_answered || wrong "the request in flight was lost"
}

# The new release fails its warm-up: the old one goes on, and the exit status says so.
reload_broken() {
    local got=0
    make_released_service tcp 8.2
    full_load load "$address"
    write_release "$site/work/app/releases/2/public" 2
    echo '<?php http_response_code(500); throw new Exception("broken");' >"$site/work/app/releases/2/public/work.php"
    ln -sfn releases/2 "$site/work/app/current"
    in_container fpm sluice reload --wait || got=$?
    ((got == 1)) || wrong "exit status $got of a reload that has to be rolled back"
    answers_version 1 || wrong "the old release does not answer"
    end_load load
    kept "a rollback"
    ((account[v2] == 0)) 2>/dev/null || [[ -z ${account[v2]:-} ]] || wrong "${account[v2]} met the broken release"
}

# Bare PHP-FPM's own reload, for comparison: who comes waits for the slowest.
reload_control() {
    write_release "$site/work/app" 1
    printf '[global]\nprocess_control_timeout = 10s\n' >"$site/work/control.conf"
    make_service tcp php8.2 --volume "$site/work/app:/srv/app:ro" \
        --volume "$site/work/control.conf:/etc/php-fpm.d/control.conf:ro"
    full_load load "$address"
    long_request fpm "$address" 2000
    docker kill --signal USR2 "$(named fpm)" >/dev/null
    long_answered || true
    end_load load
    measured "bare FPM: worst ${account[worst_ms]%.*} ms, lost ${account[lost]}, long answered $(json_field "$site/long.log" answered)"
    ((account[lost] > 0)) || ((${account[worst_ms]%.*} > 900)) || [[ $(json_field "$site/long.log" answered) == 0 ]] ||
        wrong "the control neither stalled nor lost: this proves nothing"
}

# Code in the image: a release is a new container. The old one refuses when the new one is up.
reload_baked() {
    derived baked2 'RUN echo "<?php const VERSION = 2;" >/srv/app/version.php'
    hold_address
    run_container fpm sluice-test/sluice8.2
    address=$held:9000
    await_answer fpm "$address"
    # A reload of what is baked in brings nothing new, and costs nothing.
    full_load load "$address"
    long_request fpm "$address" 1000
    in_container fpm sluice reload --wait || wrong "the reload failed"
    stop fpm
    end_load load
    kept "a reload and a stop"
    long_answered || wrong "the request in flight was lost"
    has_status 0
    run_container fpm2 sluice-test/baked2
    await_answer fpm2 "$address"
    answers_version 2 || wrong "the new image does not answer with its code"
}

# Twenty in a row, and what is left of them.
reload_many() {
    local number before after
    make_released_service tcp 8.2
    in_container fpm sluice reload --wait >/dev/null
    until_true 30 "the old generation's end" has_one_master
    before=$(docker top "$(named fpm)" -o pid | wc -l)
    full_load load "$address"
    for number in {2..21}; do
        publish "$number"
        in_container fpm sluice reload --wait >/dev/null || wrong "reload $number failed"
    done
    end_load load
    kept "20 reloads"
    ((account[refused] == 0)) || wrong "refused ${account[refused]}"
    ((${account[stale]:-0} == 0)) || wrong "${account[stale]} got old code after new code had answered"
    until_true 30 "the old generation's end" has_one_master
    after=$(docker top "$(named fpm)" -o pid | wc -l)
    ((after <= before + 1)) || wrong "processes: $before became $after"
}

has_one_master() {
    [[ $(masters) != *' '* ]]
}
