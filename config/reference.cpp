#include "config/reference.h"

#include "config/keys.h"

namespace sluice::config {

namespace {

constexpr std::string_view introduction = R"(# Configuration

<!-- Made from the table of keys in config/keys.cpp: change it there, then run
`build/dev/tests/print_reference > docs/configuration.md`. -->

## The file

sluice needs no configuration; every key is optional. It reads one TOML file, of at most 1 MiB: the
one that `--config` names, else the one that `SLUICE_CONFIG` names, else `/etc/sluice.toml`. Only
the last may be missing; one that was there has to be there at a reload, too. `--config /dev/null` stands for no file.

The whole configuration is checked before anything starts. A syntax error is reported alone,
otherwise every error at once, with file, line and column. A key or a section that is not on this
page is an error. `sluice check --print` shows the configuration in effect and where each value
comes from.

Values:

- Durations are whole numbers with a unit, `ms`, `s`, `m` or `h`, in quotes: `"250ms"`, `"8s"`. The
  longest is `"24h"`.
- Whole numbers are written without quotes: `slots = 2`.
- Signals are names, with or without `SIG`, or numbers: `"TERM"`, `"SIGUSR1"`, `"RTMIN+3"`, `"15"`.

`[[reload.check]]` and `[[reload.warmup]]`, in double brackets, may be there several times, up to
100. Each is an entry of its own with the keys below it. Messages count the entries from 1:
`reload.warmup[2].status` is a key of the second one.

A default that depends on the kind of service names the kinds.

## The environment

Each key that is a single value can come from an environment variable, too: `drain.deadline` is
`SLUICE_DRAIN_DEADLINE`, whose value is written without the quotes. The environment wins over the
file, but does not excuse an error in it. An empty variable counts as unset. A variable that starts
with `SLUICE_` and is not on this page gives a warning and is ignored.

The service does not get to see the variables that start with `SLUICE_`. Those that Kubernetes and
Docker links inject for a service called sluice are the exception, they are passed on and mean
nothing to sluice: `SLUICE_SERVICE_HOST`, `SLUICE_SERVICE_PORT`, `SLUICE_SERVICE_PORT_*`,
`SLUICE_PORT`, `SLUICE_PORT_<n>_TCP*` (also `UDP` and `SCTP`), `SLUICE_NAME`, `SLUICE_ENV_*`.

## An example

```toml
[service]
command = ["docker-php-entrypoint", "php-fpm"]
restart = "always"

[signals]
HUP = "ignore"
WINCH = "forward QUIT"
"RTMIN+3" = "drain"

[drain]
deadline = "25s"

[reload]
release = "/srv/app/current"
watch = ["/srv/app/current"]

[[reload.check]]
command = ["php", "bin/check"]

[[reload.warmup]]
script = "public/index.php"
uri = "/"
headers = { Host = "example.org" }
count = 20
concurrency = 4
text = "Welcome"

[log]
format = "json"
```
)";

std::string code(std::string_view text) {
    return "`" + std::string(text) + "`";
}

std::string row(const Key& key) {
    const bool variable = can_come_from_environment(key);
    const bool value = key.usual.is_value;
    std::string text = "| " + code(name_in_section(key));
    text += " | " + (variable ? code(environment_name(key.name)) : std::string("in the file only"));
    text += " | " + allowed(key);
    text += " | " + (value ? code(default_as_toml(key)) : default_in_words(key));
    return text + " | " + std::string(key.help) + " |\n";
}

} // namespace

std::string reference_page() {
    std::string page(introduction);
    for (const auto& section : sections()) {
        page += "\n## " + header_of(section) + "\n\n";
        if (section.is_array()) page += std::string(section.help) + "\n\n";
        page += "| Key | Variable | Allowed | Default | Meaning |\n|---|---|---|---|---|\n";
        for (const auto& key : keys())
            if (section_of(key) == section.name) page += row(key);
    }
    return page;
}

} // namespace sluice::config
