# What the scripts share: installing packages, and a PostgreSQL of one's own. It is sourced, not run.

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

install_package() {
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

postgres_programs() {
  local folder
  for folder in /usr/lib/postgresql/*/bin; do
    if [ -x "$folder/initdb" ]; then echo "$folder"; return 0; fi
  done
  return 1
}

as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Starts a server in a temporary folder, with `$1` among its options, sets `postgres_url`, and stops it at the end.
start_postgres() {
  postgres_programs >/dev/null || install_package postgresql || return 1
  programs=$(postgres_programs) || return 1
  cluster=$(mktemp -d)
  [ "$(id -u)" != 0 ] || chown postgres "$cluster"
  as_postgres "$programs/initdb" -D "$cluster/data" -U nexora -A trust >/dev/null || return 1
  as_postgres "$programs/pg_ctl" -D "$cluster/data" -w -l "$cluster/log" -o \
    "-k $cluster -h '' -c max_connections=300 $1" start >/dev/null || return 1
  stop_postgres() { as_postgres "$programs/pg_ctl" -D "$cluster/data" -m immediate stop >/dev/null || true; rm -rf "$cluster"; }
  trap stop_postgres EXIT
  postgres_url="postgres://nexora@/postgres?host=$cluster"
}
