# shellcheck shell=bash
# nginx, haproxy and Apache in a container in front of PHP-FPM in others. For sourcing by tests/docker/run.
# shellcheck disable=SC2154 # see container.bash

# upstream_lines FORMAT: the addresses in `upstreams`, each in the place of @ADDRESS@, with its number for @NUMBER@.
upstream_lines() {
    local number=0 upstream line
    for upstream in "${upstreams[@]}"; do
        line=${1//@ADDRESS@/$upstream}
        echo "${line//@NUMBER@/$((++number))}"
    done
}

# How nginx writes a path and haproxy does; host:port is the same for both.
as_nginx() {
    upstreams=("${upstreams[@]/#\//unix:/}")
}

as_haproxy() {
    upstreams=("${upstreams[@]/#\//unix@/}")
}

# write_nginx_conf [MAX_FAILS AND THE LIKE]
write_nginx_conf() {
    as_nginx
    cat >"$site/work/nginx.conf" <<END
user www-data;
worker_processes 1;
error_log /dev/stderr info;
pid /tmp/nginx.pid;
events { worker_connections 4096; }
http {
    access_log off;
    upstream app {
$(upstream_lines "        server @ADDRESS@ ${1:-};")
    }
    server {
        listen 80 backlog=4096;
        # The load generator tells by these refused from lost.
        add_header X-Upstream-Addr \$upstream_addr always;
        add_header X-Upstream-Status \$upstream_status always;
        add_header X-Upstream-Connect-Time \$upstream_connect_time always;
        add_header X-Upstream-Bytes-Sent \$upstream_bytes_sent always;
        location ~ \.php$ {
            fastcgi_pass app;
            fastcgi_connect_timeout 1s;
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME $script_root\$fastcgi_script_name;
        }
    }
}
END
}

write_haproxy_conf() {
    as_haproxy
    cat >"$site/work/haproxy.conf" <<END
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    retries 3
    option redispatch 1
    retry-on conn-failure
frontend web
    bind :80
    default_backend app
backend app
    use-fcgi-app php
$(upstream_lines '    server app@NUMBER@ @ADDRESS@ proto fcgi check inter 500ms fall 1 rise 1')
fcgi-app php
    docroot /srv/app
    # By default haproxy keeps connections, more of them than PHP-FPM has workers: see docs/docker.md.
    no option keep-conn
END
}

write_apache_conf() {
    local members
    members=$(upstream_lines '    BalancerMember "@ADDRESS@" retry=1 connectiontimeout=1')
    # fcgi://host:port, and for a path unix:/path|fcgi://a-name-of-its-own
    members=$(sed -E -e 's|"(/[^"]*/([a-z]+)\.sock)"|"unix:\1\|fcgi://\2"|' \
        -e 's|"([0-9.]+:[0-9]+)"|"fcgi://\1"|' <<<"$members")
    cat >"$site/work/apache.conf" <<END
ServerRoot /etc/apache2
ServerName front
Listen 80
PidFile /tmp/apache.pid
ErrorLog /dev/stderr
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule slotmem_shm_module /usr/lib/apache2/modules/mod_slotmem_shm.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_balancer_module /usr/lib/apache2/modules/mod_proxy_balancer.so
LoadModule lbmethod_byrequests_module /usr/lib/apache2/modules/mod_lbmethod_byrequests.so
LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
DefaultRuntimeDir /tmp
User www-data
Group www-data
<Proxy "balancer://app">
$members
</Proxy>
ProxyPassMatch "^/([a-z]+[.]php)$" "balancer://app/srv/app/\$1"
END
}

# start_front KIND [MORE]: in front of `upstreams`, which are as FPM's `listen`; its address in $front.
start_front() {
    local kind=$1 command
    "write_${kind}_conf" "${2:-}"
    case $kind in
    nginx) command=(nginx -c /etc/front.conf -g 'daemon off;') ;;
    haproxy) command=(haproxy -f /etc/front.conf) ;;
    apache) command=(apache2 -D FOREGROUND -f /etc/front.conf) ;;
    esac
    mkdir -p "$site/work/run"
    run_container front --volume "$site/work/$kind.conf:/etc/front.conf:ro" --volume "$site/work/run:/run/fpm" \
        sluice-test/front "${command[@]}"
    front=$(address_of front):80
    until_true 20 "an answer through $kind" front_answers_or_ended
}

front_answers_or_ended() {
    front_answers "$front" && return
    is_running front || fail "the front has ended: $(logs_of front | tail -n 8)"
    return 1
}

# upstream_errors PATTERN: how many such lines of upstreams nginx has logged. A connection that was made
# and reset early looks in its headers like one that was refused; only the log tells.
upstream_errors() {
    logs_of front | grep -cE "($1).*upstream" || true
}

# front_load NAME OPTION...
front_load() {
    run_load "$1" "$http_load" --to "$front" --wait 20s "${@:2}"
}
