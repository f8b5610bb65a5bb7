# shellcheck shell=bash
# Starting a load generator and reading its account, for all scripts. For sourcing, after ../app/site.bash.
# $site, `start` and `fail` are site.bash's.
# shellcheck disable=SC2034 # for who sources this

# run_load NAME COMMAND...: starts fcgi_load or http_load; its account will be in $site/NAME.log.
run_load() {
    local name=$1
    shift
    rm -f "$site/$name.log"
    start "$name" "$@" --json
    load_pid=$started
}

# end_load NAME: ends sending, waits for what is in flight, and reads the account into the array
# `account`, one entry for each number in it.
declare -A account
end_load() {
    kill -TERM "$load_pid" 2>/dev/null || true # it may have sent all that it was to send
    await_load "$1"
}

# await_load NAME: the same without an end of sending.
await_load() {
    local pair load_status=0
    wait "$load_pid" || load_status=$?
    account=([status]=$load_status)
    while IFS=: read -r pair; do
        account[${pair%%:*}]=${pair#*:}
    done < <(grep '^{' "$site/$1.log" | grep -o '"[a-z_0-9]*":[0-9.]*[,}]' | tr -d '",}')
    ((load_status == 0)) || fail "the generator failed: $(cat "$site/$1.log")"
}

reasons() {
    sed -n 's/.*"reasons":{\([^}]*\)}.*/\1/p' "$site/$1.log" | tr -d '"'
}
