#!/bin/bash
# The contract of the official image's entry point in short: the same variables, the same refusals, the same order of events.
set -Eeo pipefail

# VAR from the file that VAR_FILE names; called while still root, since a secret may be readable by root alone.
file_env() { # file_env VAR [DEFAULT]
  local var=$1 file=${1}_FILE
  if [ -n "${!var:-}" ] && [ -n "${!file:-}" ]; then
    echo >&2 "error: both $var and $file are set (but are exclusive)"
    exit 1
  fi
  if [ -n "${!file:-}" ]; then export "$var"="$(<"${!file}")"; else export "$var"="${!var:-${2:-}}"; fi
  unset "$file"
}

read_settings() {
  file_env POSTGRES_PASSWORD
  file_env POSTGRES_USER postgres
  file_env POSTGRES_DB "$POSTGRES_USER"
  file_env POSTGRES_INITDB_ARGS
}

make_directories() {
  local directories=("$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"})
  mkdir -p "${directories[@]}"
  # Both may be mounts that belong to somebody else; the server itself says whether it can work with them.
  chmod 700 "$PGDATA" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} || :
  chmod 3775 /var/run/postgresql || :
  [ "$(id -u)" != 0 ] || find "${directories[@]}" ! -user postgres -exec chown postgres '{}' +
}

refuse_without_password() {
  if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo >&2 'Error: Database is uninitialized and superuser password is not specified.'
    echo >&2 '       You must specify POSTGRES_PASSWORD to a non-empty value for the superuser.'
    exit 1
  fi
}

sql() { psql --set=ON_ERROR_STOP=1 --no-psqlrc --no-password --username="$POSTGRES_USER" "$@"; }

initialize() { # initialize ARGUMENTS: of the server, which its temporary start gets too
  local arguments password
  local -a initdb_arguments
  eval "initdb_arguments=($POSTGRES_INITDB_ARGS)" # a line of shell words, as in the official image
  password=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
  initdb --username="$POSTGRES_USER" --pwfile="$password" \
    ${POSTGRES_INITDB_WALDIR:+--waldir="$POSTGRES_INITDB_WALDIR"} "${initdb_arguments[@]}"
  rm "$password"
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "$@")}" >>"$PGDATA/pg_hba.conf"

  # On the socket only, so that nobody connects to a half-made database.
  printf -v arguments '%q ' "$@" -c listen_addresses= -p 5432
  export PGPASSWORD=$POSTGRES_PASSWORD PGHOST='' PGHOSTADDR=''
  pg_ctl --pgdata="$PGDATA" --options="$arguments" --wait start
  [ "$POSTGRES_DB" = postgres ] || sql --dbname=postgres --set=db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
  run_init_files /docker-entrypoint-initdb.d/*
  pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
  unset PGPASSWORD PGHOST PGHOSTADDR
  echo 'PostgreSQL init process complete; ready for start up.'
}

run_init_files() {
  local file
  for file; do
    case $file in
      *.sh) if [ -x "$file" ]; then "$file"; else
          # shellcheck source=/dev/null
          source "$file"
        fi ;;
      *.sql) sql --dbname="$POSTGRES_DB" --file="$file" ;;
    esac
  done
}

wants_help() {
  local argument
  for argument; do
    case $argument in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

[ "${1:0:1}" != - ] || set -- postgres "$@"
if [ "$1" = postgres ] && ! wants_help "$@"; then
  read_settings
  make_directories
  [ "$(id -u)" != 0 ] || exec gosu postgres "${BASH_SOURCE[0]}" "$@"
  if [ -s "$PGDATA/PG_VERSION" ]; then
    echo 'PostgreSQL Database directory appears to contain a database; Skipping initialization'
  else
    refuse_without_password
    initialize "${@:2}"
  fi
fi
exec "$@"
