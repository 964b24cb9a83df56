#!/bin/sh
# archive_command of the server: pgbackrest-spool.sh PATH NAME CAP. Copies a segment into the spool, from where the container
# postgres-erp-backup takes it, and fails where more than CAP kB wait there: the server keeps the segment then and asks again.
set -eu
spool=/var/spool/pgbackrest
# The server may ask again for one that it was not told about; another one of that name must never be replaced.
if [ -e "$spool/$2" ]; then exec cmp "$1" "$spool/$2"; fi
used=$(du -sk "$spool")
if [ "${used%%[!0-9]*}" -gt "$3" ]; then
  echo "$spool is full, as backups do not reach their repository; docker logs postgres-erp-backup says why" >&2
  exit 1
fi
said=$(dd if="$1" of="$spool/.$2" bs=1048576 conv=fsync 2>&1) || { echo "$said" >&2; exit 1; }
mv "$spool/.$2" "$spool/$2"
sync "$spool"
