# shellcheck shell=bash
# Releases of the application on a contender's site, published one after another. For sourcing,
# after ../stops/contender.bash.
# shellcheck disable=SC2034 # much of this is for who sources it

release=inplace # or symlink

# A release is a folder: the pages of tests/app, and a version that all of their answers tell.
write_release() { # FOLDER VERSION
    mkdir -p "$1"
    cp "$app_dir"/*.php "$1"
    cp "$root/tests/reloads/answer.php" "$1"
    echo "<?php const VERSION = $2;" >"$1/version.php"
}

# The first release, and what PHP-FPM has to know of it. Before configure_contender.
#   inplace  the files of $site/app are replaced. PHP-FPM is told absolute paths.
#   symlink  $site/current is flipped from one folder to the next. PHP-FPM is told paths relative
#            to it, as in `fastcgi_param SCRIPT_FILENAME public$fastcgi_script_name`.
make_releases() {
    case $release in
    inplace) write_release "$site/app" 1 ;;
    symlink)
        publish 1
        script_root=public
        # What PHP-FPM does by itself. sluice puts the folder itself in its place (reload.release).
        pool_lines+=$'\n'"chdir = $site/current"
        ;;
    *) fail "no such way to release: $release" ;;
    esac
}

# publish VERSION: nobody ever sees half of it.
publish() {
    case $release in
    inplace)
        echo "<?php const VERSION = $1;" >"$site/app/version.new"
        mv "$site/app/version.new" "$site/app/version.php"
        ;;
    symlink)
        write_release "$site/releases/$1/public" "$1"
        flip_to "$1"
        rm -rf "$site/releases/$(($1 - 2))"
        ;;
    esac
}

# flip_to NAME: of a folder in $site/releases.
flip_to() {
    ln -sfn "releases/$1" "$site/current.new"
    mv -T "$site/current.new" "$site/current"
}

# opcache as in production: what a master has compiled is never looked at again. Nothing else
# would make "old code until the reload" certain, and the protection of young files would have
# them compiled anew at each request. More lines may be given.
set_opcache() {
    mkdir -p "$site/ini"
    printf '%s\n' opcache.enable=1 "$@" >"$site/ini/opcache.ini"
    export PHP_INI_SCAN_DIR=:$site/ini
}

# write_sluice_config LINE...: $site/sluice.toml, and sluice is told of it.
write_sluice_config() {
    printf '%s\n' "$@" >"$site/sluice.toml"
    sluice_options=(--config "$site/sluice.toml")
}

# lines_of NAME: how many records NAME.csv has so far; answered_since MARK NAME VERSION: whether
# this version has answered since.
lines_of() {
    wc -l <"$site/$1.csv"
}

answered_since() {
    tail -n "+$(($1 + 1))" "$site/$2.csv" |
        awk -F, -v wanted="$3" '$7 == wanted { found = 1 } END { exit !found }'
}

# records NAME EXPRESSION: over the records of NAME.csv, how many this awk expression is true for.
# In it: begun, ended (seconds), connect, total (ms), version, verdict; at is $signalled.
records() {
    awk -F, -v at="$signalled" 'NR > 1 {
        begun = $1; connect = $2; total = $3; ended = begun + total / 1000; verdict = $6; version = $7
        if ('"$2"') ++n
    } END { print n + 0 }' "$site/$1.csv"
}

# first_answer NAME VERSION: milliseconds from the signal to the first answer of this version.
first_answer() {
    awk -F, -v at="$signalled" -v wanted="$2" '
        NR > 1 && $7 == wanted { ended = $1 + $3 / 1000 - at; if (!n++ || ended < first) first = ended }
        END { if (n) printf "%d", first * 1000; else print "none" }' "$site/$1.csv"
}

has_one_master() {
    [[ $contender == bare ]] ||
        (($(processes_below "$contender_pid" | grep -c 'php-fpm: master process') == 1))
}

# send_reload LOAD_PID: marks it in the load, too.
send_reload() {
    kill -USR1 "$1"
    signalled=$EPOCHREALTIME
    kill "-$(reload_signal)" "$contender_pid"
}
