# shellcheck shell=bash
# A contender (sluice with PHP-FPM, or bare PHP-FPM as the control) on a private site, and load on
# it: what all scripts of this folder have in common. For sourcing, after ../app/site.bash.
# shellcheck disable=SC2034 # much of this is for who sources it

# tini adopts what a contender leaves behind when it dies. PHP-FPM makes a session of its own, so
# there would be no other way to find that.
if [[ $(<"/proc/$PPID/comm") != tini ]]; then
    command -v tini >/dev/null || fail "tini is not installed"
    # /run and /dev/shm of its own: what is left behind there is the contender's, and nobody else's.
    exec tini -s -- unshare --mount -- "$0" "$@"
fi

# shellcheck source-path=SCRIPTDIR source=../load/account.bash
source "$root/tests/load/account.bash"

build=$(cd -- "${BUILD_DIR:-$root/build/dev}" && pwd)
sluice=$build/sluice
fcgi_load=$build/fcgi_load
http_load=$build/http_load
www_data=33

contender=sluice   # or bare
transport=tcp      # tcp, tcp6 or unix
uid33=''           # not empty: runs as www-data, without any capability
chroot_dir=''      # where the contender runs; the load comes from outside
workers=4
backlog=32         #
control_timeout=10 # of the control alone; sluice sets its own. Empty: unset, as by default
stop_patience=20   # seconds; what has not ended then never will
contender_environment=()
sluice_options=()  # of sluice itself, as in --config FILE
pool_lines=''      # more lines for the pool's configuration
script_root=''     # what the load's paths are below, as PHP-FPM is told

contender_option_text="  --contender sluice|bare    bare is PHP-FPM alone, stopped with QUIT (default sluice)
  --transport tcp|tcp6|unix  (default tcp)
  --uid33                    as www-data, without capabilities
  --chroot DIR               in DIR, which has a PHP-FPM (FPM_PROGRAM), /proc and /dev (for both see
                             tests/roots); sluice must be the static one (SLUICE=...)"

# For the option loops: sets `taken` to how many words it took, 0 if the option is none of these.
take_contender_option() {
    taken=2
    case $1 in
    --contender) contender=$2 ;;
    --transport) transport=$2 ;;
    --uid33) uid33=yes taken=1 ;;
    --chroot) chroot_dir=${2%/} ;;
    *) taken=0 ;;
    esac
    [[ $contender == sluice || $contender == bare ]] || fail "no such contender: $contender"
    [[ $transport == tcp || $transport == tcp6 || $transport == unix ]] ||
        fail "no such transport: $transport"
}

# What a user would say of this contender.
contender_label() {
    echo "$contender $transport${uid33:+ uid33}${chroot_dir:+ ${chroot_dir##*/}}"
}

make_stop_site() {
    local tool
    # iproute2 is in /sbin for some users.
    PATH=$PATH:/usr/sbin:/sbin
    for tool in ss setpriv; do
        command -v "$tool" >/dev/null || fail "$tool is not installed"
    done
    ((EUID == 0)) || fail "needs root: PHP-FPM's workers are another user"
    mount -t tmpfs -o mode=755 tmpfs /run
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    sluice=${SLUICE:-$sluice}
    [[ -x $sluice && -x $fcgi_load ]] || fail "$build has no sluice or fcgi_load: build them first"
    make_site
    trap end_stop_site EXIT
    [[ -z $chroot_dir ]] || move_site_into_chroot
    mkdir "$site/run"
    chown "$www_data" "$site/run"
    script_root=$site/app
}

# The same path leads to the site inside and outside of the other root.
move_site_into_chroot() {
    [[ -e $chroot_dir/proc/self ]] || fail "$chroot_dir/proc is not mounted: see tests/roots/with"
    mkdir -p "$chroot_dir${site%/*}"
    mv "$site" "$chroot_dir$site"
    ln -s "$chroot_dir$site" "$site"
    cp "$sluice" "$site/sluice"
    sluice=$site/sluice
}

end_stop_site() {
    trap '' INT TERM HUP
    end_all
    end_orphans || true
    [[ -z $chroot_dir ]] || rm -rf "$chroot_dir${site:?}"
    rm -rf "$site"
}

# configure_contender NAME: a free address for it ($address), and $site/NAME.conf.
configure_contender() {
    local name=$1
    port=''
    case $transport in
    unix) address=$site/run/$name.sock ;;
    tcp) free_port port && address=127.0.0.1:$port ;;
    tcp6) free_port port && address="[::1]:$port" ;;
    esac
    write_fpm "$name" "$address" "$workers"
    cat >>"$site/$name.conf" <<END
listen.backlog = $backlog
listen.owner = www-data
$pool_lines
END
    [[ $contender == sluice || -z $control_timeout ]] || cat >>"$site/$name.conf" <<END
[global]
process_control_timeout = ${control_timeout}s
END
}

# launch_contender NAME: starts what was configured; its pid in $contender_pid. Does not wait.
launch_contender() {
    local name=$1 words=()
    rm -f "$site/$name.log"
    : >"$site/$name.log"
    # FPM opens /proc/self/fd/2, which as another user it may only if the file is its own.
    [[ -z $uid33 ]] || chown "$www_data" "$site/$name.log"
    [[ -z $chroot_dir ]] || words+=(chroot "$chroot_dir")
    [[ -z $uid33 ]] || words+=(setpriv --reuid "$www_data" --regid "$www_data" --clear-groups
        --inh-caps=-all --bounding-set=-all)
    if [[ $contender == sluice ]]; then
        words+=(env "${contender_environment[@]}" "$sluice" "${sluice_options[@]}" --)
    fi
    start "$name" "${words[@]}" "$fpm_program" -y "$site/$name.conf"
    contender_pid=$started
}

# Where PHP-FPM is, as the contender sees it.
fpm_path() {
    ${chroot_dir:+chroot "$chroot_dir"} sh -c 'command -v "$0"' "$fpm_program"
}

answers() {
    "$fcgi_load" --to "$address" --root "$script_root" --get "/work.php?ms=0" --clients 1 \
        --requests 1 --wait 2s --json 2>/dev/null | grep -q '"answered":1,'
}

start_contender() {
    launch_contender "$1"
    until_true 10 "$(contender_label)" answers_or_gone "$1"
}

answers_or_gone() {
    answers && return
    ! is_gone "$contender_pid" ||
        fail "$(contender_label) did not start: $(tail -n 5 "$site/$1.log")"
    return 1
}

# The signal with which this contender is to be stopped without loss.
stop_signal() {
    if [[ $contender == sluice ]]; then echo TERM; else echo QUIT; fi
}

# The signal with which this contender is to take new code.
reload_signal() {
    if [[ $contender == sluice ]]; then echo HUP; else echo USR2; fi
}

# Every process below the contender (orphans of PHP-FPM become sluice's own): "PID COMMAND LINE".
processes_below() {
    ps -eo pid=,ppid=,args= | awk -v top="$1" '
        { pid = $1; parent[pid] = $2; $1 = ""; $2 = ""; line[pid] = $0 }
        END {
            for (pid in parent) {
                for (up = parent[pid]; up in parent && up != top && up != 1; ) up = parent[up]
                if (up == top) print pid, line[pid]
            }
        }'
}

# await_end PID: its exit status in $status. What has not ended within $stop_patience is killed.
await_end() {
    local pid=$1 end=$(($(now_ms) + stop_patience * 1000))
    status=0
    until is_gone "$pid"; do
        if (($(now_ms) > end)); then
            kill -KILL "$pid"
            wait "$pid" 2>/dev/null || true
            status=none
            return
        fi
        sleep 0.005
    done
    wait "$pid" || status=$?
}

orphans() {
    ps -o pid=,stat= --ppid "$PPID" | awk -v script=$$ '$1 != script && $2 !~ /^Z/ { print $1 }'
}

# Kills what the contender has left behind; fails if there was anything. A master's workers become
# orphans only when it is gone, so it looks until there are no more.
end_orphans() {
    local left found=0
    while left=$(orphans) && [[ $left ]]; do
        found=1
        # shellcheck disable=SC2086 # one word per pid
        kill -KILL $left 2>/dev/null || true
        sleep 0.01
    done
    return "$found"
}

# The files that a contender has left where it puts its sockets.
left_files() {
    find "$site/run" -mindepth 1
    find "$chroot_dir"/{run,dev/shm} -mindepth 1 -name 'sluice*' 2>/dev/null || true
}

# start_load NAME OPTION...: on $address; its account will be in $site/NAME.log.
start_load() {
    run_load "$1" "$fcgi_load" --to "$address" --root "$script_root" --wait 20s "${@:2}"
}

# How many connections wait in the accept queues of $address.
queue_length() {
    if [[ $transport == unix ]]; then
        # A listener of sluice may have been bound under another name in the same folder.
        ss -Hxln | awk -v folder="$site/run/" \
            'index($5, folder) == 1 && $3 > most { most = $3 } END { print most + 0 }'
    else
        ss -Hltn "sport = :$port" | awk '$2 > most { most = $2 } END { print most + 0 }'
    fi
}

# A queue holds one more than its backlog. So many clients keep it full, the workers' grip apart.
queue_is_full() {
    (($(queue_length) >= backlog + 1 - workers))
}

keep_cores_busy() {
    local core
    for core in $(seq "$(nproc)"); do start "busy$core" sh -c 'while :; do :; done'; done
}
