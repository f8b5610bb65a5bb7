# shellcheck shell=bash
# Releases of the application on a contender's site, published one after another. For sourcing,
# after ../stops/contender.bash.
# shellcheck disable=SC2034 # much of this is for who sources it

release=inplace # or symlink, or document_root
app_files=0     # not 0: so many PHP files behind index.php (make_app)

# A release is a folder: the pages of tests/app, and a version that all of their answers tell.
write_release() { # FOLDER VERSION
    mkdir -p "$1"
    if ((app_files > 0)); then
        "$root/tests/reloads/make_app" "$1" "$app_files" "$2"
    else
        cp "$app_dir"/*.php "$1"
        cp "$root/tests/reloads/answer.php" "$1"
        echo "<?php const VERSION = $2;" >"$1/version.php"
    fi
}

# The first release, and what PHP-FPM and sluice have to know of it. Before configure_contender.
#   inplace        the files of $site/app are replaced
#   symlink        $site/current is flipped from one folder to the next; PHP-FPM is told paths
#                  relative to it, as in `fastcgi_param SCRIPT_FILENAME public$fastcgi_script_name`,
#                  and sluice of the symlink (reload.release)
#   document_root  the symlink is a part of the paths that PHP-FPM is told; nobody is told of it
make_releases() {
    publish 1
    case $release in
    inplace) script_root=$site/app ;;
    document_root) script_root=$site/current/public ;;
    symlink)
        script_root=public
        if [[ $contender == sluice ]]; then
            reload_lines+=$'\n'"release = \"$site/current\""
        else
            pool_lines+=$'\n'"chdir = $site/current"
        fi
        ;;
    *) fail "no such way to release: $release" ;;
    esac
}

# publish VERSION. By a symlink nobody ever sees half of it. In place only what opcache already
# holds may be replaced, or somebody could: each page that is asked for has been asked for before.
publish() {
    if [[ $release != inplace ]]; then
        write_release "$site/releases/$1/public" "$1"
        flip_to "$1"
        rm -rf "$site/releases/$(($1 - 2))"
    elif ((app_files > 0)) || [[ ! -e $site/app/version.php ]]; then
        write_release "$site/app" "$1"
    else
        echo "<?php const VERSION = $1;" >"$site/app/version.new"
        mv "$site/app/version.new" "$site/app/version.php"
    fi
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

# The configuration of sluice: reload_lines go to [reload], more_lines after it. None: no file.
reload_lines='' more_lines=''
write_sluice_config() {
    [[ $contender == sluice && $reload_lines$more_lines ]] || return 0
    printf '[reload]%s\n%s\n' "$reload_lines" "$more_lines" >"$site/sluice.toml"
    sluice_options=(--config "$site/sluice.toml")
}

# warm_up_with PAGE LINE...: an entry of reload.warmup. After make_releases, before write_sluice_config.
warm_up_with() {
    more_lines+=$(printf '%s\n' '' '[[reload.warmup]]' "script = \"$script_root$1\"" "${@:2}")$'\n'
}

# lines_of NAME: how many records NAME.csv has so far; answered_since MARK NAME VERSION: whether
# this version has answered since.
lines_of() {
    wc -l <"$site/$1.csv"
}

answered_since() {
    tail -n "+$(($1 + 1))" "$site/$2.csv" 2>/dev/null |
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
    mark_loads "$1"
    signalled=$EPOCHREALTIME
    kill "-$(reload_signal)" "$contender_pid"
}
