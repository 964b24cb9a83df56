#!/bin/sh
# What the container postgres-erp-backup does, and the containers that restore: backup.sh VERB…
#   push                    brings what the server left in the spool into the repository, for ever; with `backup_rpo: seconds` also what
#                           is not a whole segment yet (partial.sh)
#   full | incremental      a backup now
#   dump                    pg_dump, the second copy that needs nothing of the first
#   settle                  brings everything that is committed now into the repository
#   restore-test            restores a moment and the latest in this container, which is thrown away, and looks whether they are well
#   info                    what the repository holds, as pgBackRest's JSON
#   restore FOLDER [TIME]   restores into the folder and recovers to the time, else as far as there is anything; no server runs then
#   tables TIME DATABASE OWNER SAID TABLE…   restores in this container, which is thrown away, and brings the tables into a database of their
#                           own beside the running one (tables.sh)
#   swap FOLDER KEEP        puts that folder in the place of the data, which are kept as KEEP
#   forget                  removes data that were kept
# What went wrong is one line on standard error; of what push, full, incremental, dump and restore-test did there is a file each.
set -eu
umask 077
export LC_ALL=C.UTF-8 PGHOST=/var/run/postgresql PGUSER=postgres PGDATABASE=portfolio PGTZ=UTC
spool=/var/spool/pgbackrest
dumps=/var/lib/pgbackrest/dumps
state=/var/lib/portfolio
volume=/var/lib/postgresql/data
# Where a server that recovers has its socket and its log.
private=/tmp/recovery

# shellcheck source=roles/backup/files/partial.sh
. /usr/local/lib/portfolio/partial.sh

# one line, without what JSON would have to escape
sentence() { tr -d "\"\\\\" | tr -s "[:space:][:cntrl:]" " " | cut -c 1-300 | sed "s/ *$//"; }

record() { # record NAME WHAT BEGAN [ERROR]: replaced by a rename, so that a reader never sees half of it
  now=$(date +%s) ok=true last=$now file=$state/$1.json
  if [ -n "${4:-}" ]; then
    ok=false
    last=$(sed -n 's/.*"last_ok": \([0-9]*\).*/\1/p' "$file" 2>/dev/null || :)
  fi
  printf '{"began": %s, "finished": %s, "ok": %s, "last_ok": %s, "seconds": %s, "what": "%s", "error": "%s", "repository": "%s", "system": "%s"}\n' \
    "$3" "$now" "$ok" "${last:-0}" $((now - $3)) "$2" "${4:-}" "${BACKUP_REPOSITORY:-}" "${BACKUP_SYSTEM:-}" >"$file.new"
  chmod 644 "$file.new"
  mv "$file.new" "$file"
}

reason() { # reason TEXT: what pgBackRest printed as one line that says why
  said=$(printf '%s' "$1" | sed 's/\\n/\n/g')
  of() { printf '%s\n' "$said" | sed -n "$1" | tail -n 1; }
  error=$(of 's/.*ERROR: \[[0-9]*\]: //p; s/.*"message":"\[[A-Za-z]*\] //p' | sentence)
  answer=$(of 's/.*<Code>\([A-Za-z]*\)<.*/ (\1)/p')
  dated=$(of 's/^ *date: //p')
  now=$(date +%s)
  there=$(date -d "${dated:-@$now}" +%s 2>/dev/null) || there=$now
  case $error in
    *" 403 "*)
      apart=$((now - there))
      if [ "${apart#-}" -gt 300 ]; then
        echo "the bucket refuses what it is asked, as the clock of this server is ${apart#-} s $([ "$apart" -gt 0 ] && echo ahead || echo behind), see timedatectl"
      else
        echo "the bucket refuses the key of backup_s3_key: ${error%:}$answer"
      fi
      ;;
    *) echo "${error%:}$answer" ;;
  esac
}

pgbackrest_says() { # pgbackrest_says COMMAND…: quiet where it works; else why, in one line on standard output
  code=0
  output=$(${limit:+timeout "$limit"} pgbackrest "$@" 2>&1) || code=$?
  [ "$code" != 0 ] || return 0
  case $code in
    28) echo "the repository ${BACKUP_REPOSITORY:-} holds backups of another database" ;;
    124) echo "the repository ${BACKUP_REPOSITORY:-} did not answer within ${limit:-} s" ;;
    50) echo "another backup or restore is running" ;;
    *) reason "$output" ;;
  esac
  return "$code"
}

recorded() { # recorded NAME WHAT COMMAND…: a function or program that says on standard output why it failed
  name=$1 what=$2 began=$(date +%s) error=
  shift 2
  error=$("$@") || { error=${error:-"$1 failed without a word"}; record "$name" "$what" "$began" "$error"; echo "$error" >&2; return 1; }
  record "$name" "$what" "$began"
}

# The place in the repository for these data. After an upgrade it goes on in that of the data before, and in nobody else's.
stanza() {
  if pgbackrest_says stanza-create >/tmp/stanza; then return; fi
  if [ "$code" = 28 ] && [ -n "${BACKUP_SYSTEM_BEFORE:-}" ] && pgbackrest --output=json info | grep -q "\"system-id\":${BACKUP_SYSTEM_BEFORE}[,}]"
  then
    pgbackrest_says stanza-upgrade
  else
    cat /tmp/stanza
    return 1
  fi
}

back_up() { # back_up full|incr
  stanza && pgbackrest_says --type="$1" backup
}

dump() {
  mkdir -p "$dumps"
  file=$dumps/portfolio-$(date -u +%Y%m%dT%H%M%SZ).dump
  { pg_dump --format=custom --compress=1 --file="$dumps/.new" && pg_restore --list "$dumps/.new" >/dev/null; } 2>/tmp/dump.log ||
    { sentence </tmp/dump.log; return 1; }
  sync "$dumps/.new"
  mv "$dumps/.new" "$file"
  # Only after a new one is there: the last one never goes.
  find "$dumps" -name 'portfolio-*.dump' ! -path "$file" -mtime "+$((BACKUP_DUMP_DAYS - 1))" -delete
}

push() {
  trap 'exit 0' TERM INT
  began=$(date +%s) failed=
  until error=$(stanza); do
    record archive push "$began" "$error"
    sleep 5
  done
  record archive push "$began"
  if [ "${BACKUP_RPO:-}" = seconds ]; then ship_always & else rm -f "$state/partial.json"; fi
  while :; do
    began=$(date +%s) error=
    for segment in "$spool"/*; do
      [ -e "$segment" ] || continue # the pattern itself, where nothing is there
      # By itself it would go on asking a bucket that is away for minutes, without a word.
      # Whose it is stands in the segment: it gets away also when the data are gone.
      error=$(limit=50 && pgbackrest_says --reset-pg1-path archive-push "$segment") || break
      rm "$segment"
    done
    # Each failure, and the first success after one.
    if [ -n "$error$failed" ]; then record archive push "$began" "$error"; fi
    if [ -n "$error" ]; then sleep 4; fi
    failed=$error
    sleep 1
  done
}

archived() { # archived SEGMENT
  [ "$(psql -d postgres -XAtqc "SELECT last_archived_wal >= '$1' FROM pg_stat_archiver")" = t ]
}

# What was committed before, and one more, so that there is an end to any moment before; of a server that does not answer, what it left.
settle() {
  psql -d postgres -XAtq -c "SELECT pg_current_xact_id()" -c "SELECT pg_walfile_name(pg_switch_wal())" >/tmp/switched 2>/dev/null || :
  segment=$(tail -n 1 /tmp/switched)
  for _attempt in $(seq 600); do
    if { [ -z "$segment" ] || archived "$segment"; } && [ -z "$(ls "$spool")" ]; then return 0; fi
    sleep 0.2
  done
  echo "what is committed did not reach the repository within two minutes" >&2
  return 1
}

recover() { # recover FOLDER TIME ARCHIVE: the server that recovers talks to nobody; with ARCHIVE on it hands over what to archive to the next
  log=$private/log
  rm -rf "$private"
  mkdir -p "$private" "$1"
  if [ -n "$2" ]; then
    pgbackrest_says --pg1-path="$1" --type=time --target="$2" --target-action=promote restore || return 1
  else
    pgbackrest_says --pg1-path="$1" restore || return 1
  fi
  # To a moment there is a way without it.
  unread=$(lay "$1") || [ -n "$2" ] || { echo "$unread"; return 1; }
  rm -rf "$1/pg_wal/partial" "$1/pg_wal/partial.tar.gz"
  lay_left "$1" || return 1
  postgres -D "$1" -c hot_standby=off -c listen_addresses= -c "unix_socket_directories=$private" -c shared_buffers=16MB -c max_connections=10 \
    -c max_wal_size=128MB -c wal_level=replica -c autovacuum=off -c jit=off -c archive_mode="$3" -c archive_command= >"$log" 2>&1 &
  server=$!
  until pg_isready -q -h "$private"; do
    kill -0 "$server" 2>/dev/null || { sed -n 's/.*\(FATAL\|PANIC\): *//p' "$log" | grep -v 'starting up' | tail -n 1 | sentence; return 1; }
    sleep 0.2
  done
}

# Who asks a server that recovered.
inside() { psql -XAtq -h "$private" "$@"; }

end() { # end FOLDER: a clean end, and nothing in it that asks for a restore again
  pg_ctl -D "$1" -m fast -w -t 300 stop >/dev/null 2>&1 || { echo "the server that recovered did not stop"; return 1; }
  echo '# Do not edit this file manually!' >"$1/postgresql.auto.conf"
}

restore() { # restore FOLDER TIME
  case $1 in pgdata.*) ;; *) echo "$1 is no folder for a restore"; return 1 ;; esac
  rm -rf "${volume:?}/$1"
  recover "$volume/$1" "$2" on || return 1
  inside -d postgres -c "SELECT pg_last_xact_replay_timestamp()" >/tmp/reached
  end "$volume/$1"
}

mark() { # mark NAME: a transaction of the running server, with nothing in it
  psql -d postgres -XAtqc "SELECT pg_current_xact_id()" >"/tmp/$1" 2>/dev/null
}

# What became of that transaction where it is asked, which may not know it.
marked() { inside -d postgres -c "SELECT pg_xact_status('$(cat "/tmp/$1")')" 2>/dev/null || :; }

try_moment() { # between two transactions: the one before is there, the one after is not
  psql -d postgres -XAtqc "SELECT clock_timestamp()" >/tmp/moment && sleep 1 && mark after && settle || return 1
  recover "$volume/test" "$(cat /tmp/moment)" off || return 1
  [ "$(marked before)" = committed ] || { echo "what was committed before $(cat /tmp/moment) is missing in a restore to that moment"; return 1; }
  [ "$(marked after)" != committed ] || { echo "a restore to $(cat /tmp/moment) has what was committed after it"; return 1; }
  end "$volume/test"
  rm -rf "$volume/test"
}

room() {
  free=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
  [ "$free" -ge $((BACKUP_NEEDED_MB * 1024)) ] ||
    { echo "not started, as $((free / 1024)) MB of memory are free and $BACKUP_NEEDED_MB MB are needed"; return 1; }
}

try_both() {
  room && try_moment && try_latest || return 1
  [ "$(marked after)" = committed ] || { echo "what was committed last is missing in a restore"; return 1; }
}

try_latest() {
  room && recover "$volume/test" "" off || return 1
  inside -v ON_ERROR_STOP=1 -f /usr/local/lib/portfolio/validate_schema.sql >/tmp/schema.log 2>&1 ||
    { echo "the restored schema is not as it should be: $(grep -m 1 -e FAIL -e ERROR /tmp/schema.log | sentence)"; return 1; }
  pg_amcheck -h "$private" --install-missing >/tmp/amcheck.log 2>&1 ||
    { echo "pg_amcheck of the restored database: $(sentence </tmp/amcheck.log)"; return 1; }
}

tables() { # tables TIME DATABASE OWNER SAID TABLE…
  recover "$volume/test" "$1" off || return 1
  shift
  said=$(sh /usr/local/lib/portfolio/tables.sh "$private" "$volume" "$@") || { echo "$said" | sentence; return 1; }
}

swap() { # swap FOLDER KEEP
  cd "$volume"
  [ -s "$1/PG_VERSION" ] || { echo "there is no restored database in $volume/$1" >&2; return 1; }
  if [ -e pgdata ]; then mv pgdata "$2"; fi
  mv "$1" pgdata
  sync
}

verb=$1
shift
case $verb in
  push) push ;;
  full) recorded backup full back_up full ;;
  incremental) recorded backup incr back_up incr ;;
  dump) recorded dump dump dump ;;
  restore-test)
    # A server that does not answer knows of no moment.
    if mark before; then recorded restore_test "moment and latest" try_both; else recorded restore_test latest try_latest; fi
    ;;
  settle) settle ;;
  info)
    answer=$(pgbackrest --output=json info)
    # It says so and ends well.
    case $answer in *'"status":{"code":99,'*) reason "$answer" >&2; exit 1 ;; esac
    printf '%s\n' "$answer"
    ;;
  restore) error=$(restore "$1" "${2:-}") || { echo "${error:-failed without a word}" >&2; exit 1; }; cat /tmp/reached ;;
  tables) error=$(tables "$@") || { echo "${error:-failed without a word}" >&2; exit 1; } ;;
  swap) swap "$1" "$2" ;;
  forget)
    for kept in "$volume"/pgdata.before-* "$volume/pgdata.restored"; do
      if [ -e "$kept" ]; then rm -rf "$kept"; echo "$kept"; fi
    done
    ;;
  *) echo "backup.sh does not know $verb" >&2; exit 2 ;;
esac
