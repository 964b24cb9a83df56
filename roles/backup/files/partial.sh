# shellcheck shell=sh
# Part of backup.sh, for `backup_rpo: seconds`: what no whole segment has brought into the repository yet lies there as one object, which is
# replaced every two seconds. In it are the segment that is being written, as far as it is on the disk, those that wait, and the number of
# the system that they belong to.
: "${volume:?}" "${spool:?}" # of backup.sh
object=partial.tar.gz
# Where it is made: on the disk, as memory is scarce here.
made=/var/lib/pgbackrest/partial
# More segments than these would take longer than the next one that is pushed.
most=3

# How far the server has written, and as who. One that does not answer writes nothing.
flushed() {
  # A byte further, as at the end of a segment the versions of PostgreSQL differ in which one they name.
  psql -d postgres -XAtq -F " " -c "SELECT f.file_name, f.file_offset - 1, s.system_identifier
    FROM pg_walfile_name_offset(pg_current_wal_flush_lsn() + 1) AS f, pg_control_system() AS s" 2>/dev/null || :
}

ship() { # ship SEGMENT BYTES SYSTEM: quiet where it is there; else why not, in one line
  wal=$volume/pgdata/pg_wal
  waits=$(find "$spool" "$wal/archive_status" -type f | grep -cE '/[0-9A-F]{24}(\.ready)?$' || :)
  [ "$waits" -le "$most" ] || { echo "$waits WAL files wait, and go first"; return 1; }
  rm -rf "$made"
  mkdir -p "$made"
  echo "$3" >"$made/system"
  # A segment goes from here into the spool, and from there into the repository: looked for in this order, none is missed.
  for ready in "$wal"/archive_status/*.ready; do
    [ -e "$ready" ] || continue # the pattern itself, where nothing is there
    name=${ready##*/} name=${name%.ready}
    cp "$wal/$name" "$made/" 2>/tmp/cp || [ ! -e "$ready" ] || { sentence </tmp/cp; return 1; }
    # It went on meanwhile, and its file may be another segment's by now.
    [ -e "$ready" ] || rm -f "$made/$name"
  done
  for waiting in "$spool"/*; do
    [ -e "$waiting" ] || continue
    cp "$waiting" "$made/" 2>/tmp/cp || [ ! -e "$waiting" ] || { sentence </tmp/cp; return 1; }
  done
  if [ "$2" -gt 0 ]; then head -c "$2" "$wal/$1" >"$made/$1" || return 1; fi
  { tar -C "$made" -cf "$made.tar" . && gzip -1 -f "$made.tar"; } 2>/tmp/tar || { sentence </tmp/tar; return 1; }
  # Of pgBackRest's programs for its own use: it has the bucket, the key and the passphrase.
  limit=20 pgbackrest_says repo-put "$object" <"$made.tar.gz"
}

ship_always() {
  while :; do
    began=$(date +%s) error=
    flushed >/tmp/flushed
    if [ -s /tmp/flushed ] && ! cmp -s /tmp/flushed /tmp/shipped; then
      # shellcheck disable=SC2046 # three words
      if error=$(ship $(cat /tmp/flushed)); then mv /tmp/flushed /tmp/shipped; else error=${error:-failed without a word}; fi
      record partial ship "$began" "$error"
    fi
    sleep 2
  done
}

fetch() (
  # Of a file beside its own it has to be told that the passphrase is the repository's.
  passphrase=$(sed -n 's/^repo1-cipher-pass=//p' "$PGBACKREST_CONFIG")
  if [ -n "$passphrase" ]; then export PGBACKREST_CIPHER_PASS="$passphrase"; fi
  pgbackrest --log-level-console=off --log-level-stderr=error repo-get --ignore-missing "$object"
)

lay() { # lay FOLDER: puts what the archive does not have into the WAL of what was restored; says why where the object cannot be read
  code=0 parts=$1/pg_wal/partial
  mkdir -p "$parts"
  fetch >"$parts.tar.gz" 2>/tmp/get || code=$?
  # 1: there is none.
  if [ "$code" = 0 ]; then
    tar -C "$parts" -xzf "$parts.tar.gz" 2>/tmp/get || { echo "the last seconds in the repository are damaged ($(sentence </tmp/get))"; return 1; }
    lay_parts "$1" "$parts" "$(cat "$parts/system")"
  elif [ "$code" != 1 ]; then
    echo "the last seconds in the repository cannot be read ($(sed -n 's/.*ERROR: \[[0-9]*\]: //p' /tmp/get | sentence))"
    return 1
  fi
}

# The WAL of the data that a restore takes the place of: what a server that does not start any more could not give to the archive.
lay_left() { # lay_left FOLDER
  left=$volume/pgdata
  if [ -d "$left/pg_wal" ]; then lay_parts "$1" "$left/pg_wal" "$(system_of "$left")"; fi
}

system_of() { pg_controldata -D "$1" 2>/dev/null | sed -n 's/^Database system identifier: *//p'; }

lay_parts() { # lay_parts FOLDER PARTS SYSTEM
  # Of other data, where the repository went on with those after an upgrade.
  [ "$3" = "$(system_of "$1")" ] || return 0
  size=$(pg_controldata -D "$1" | sed -n 's/^Bytes per WAL segment: *//p')
  last=$(pgbackrest info | sed -n '/db (current)/,$ s|.*wal archive min/max .*/||p' | head -n 1)
  for part in "$2"/*; do
    name=${part##*/}
    case $name in
      *.history) cp "$part" "$1/pg_wal/" ;;
      *.*) ;;
      # What is there whole came later than its part here; never two of one name.
      0*) if expr "x$name" '>' "x$last" >/dev/null; then cp "$part" "$1/pg_wal/" && truncate -s "$size" "$1/pg_wal/$name"; fi ;;
    esac || { echo "$name of the last seconds could not be copied"; return 1; }
  done
}
