# shellcheck shell=bash
# sluice as others get it, put into a container that has none: by the tarball, whose checksum is looked
# at there, and by "cmake --install". It then keeps what its image is stopped with. For sourcing by
# tests/docker/run.
# shellcheck disable=SC2034,SC2154 # see container.bash

cases_install=(
    "tarball: install_tarball"
    "cmake: install_by_cmake"
)

make_bare() {
    run_container bare --entrypoint sleep sluice-test/php8.2 600
    ! in_container bare sh -c 'command -v sluice' || fail "sluice is there before it is installed"
}

# installed_keeps FOLDER: of `bare`, where sluice was installed below FOLDER, an image is made.
installed_keeps() {
    local name
    for name in sluice sluice-fleet; do
        in_container bare "$1/bin/$name" --version || wrong "$name --version: exit status $?"
    done
    in_container bare test -s "$1/share/doc/sluice/LICENSE" || wrong "no LICENSE"
    docker commit --change "ENTRYPOINT [\"$1/bin/sluice\", \"docker-php-entrypoint\"]" \
        --change 'CMD ["php-fpm"]' "$(named bare)" sluice-test/installed >/dev/null
    sluice_keeps tcp installed
    measured "$(docker run --rm --label "$label" --entrypoint "$1/bin/sluice" sluice-test/installed --version)"
    remove_containers
    docker rmi sluice-test/installed >/dev/null
}

install_tarball() {
    local tarballs=("$root"/build/package/sluice-*.tar.gz) name
    [[ -e ${tarballs[0]} ]] || fail "no tarball in build/package: tests/package makes it"
    make_bare
    docker cp "${tarballs[0]}" "$(named bare):/tmp"
    docker cp "${tarballs[0]}.sha256" "$(named bare):/tmp"
    name=${tarballs[0]##*/}
    in_container bare sh -ec "cd /tmp && sha256sum --check '$name.sha256' && tar -xzf '$name' -C /usr/local --strip-components=1"
    installed_keeps /usr/local
}

install_by_cmake() {
    make_bare
    cmake --install "$root/build/static" --prefix "$site/work/opt" >/dev/null
    docker cp "$site/work/opt/." "$(named bare):/opt/sluice"
    installed_keeps /opt/sluice
}
