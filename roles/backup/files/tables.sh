#!/bin/sh
# tables.sh FROM FOLDER DATABASE OWNER SAID TABLE…: single tables of the server whose socket is in FROM, brought into a database of their own
# on the server of the environment (PGHOST, PGUSER). FOLDER has room for a dump, SAID is the comment on the database.
# Columns, defaults, checks and rows; no keys, indexes, triggers, policies and rights, which lean on what is not there. The database gets its
# name when everything is in it. Why it could not be done is said on standard output.
set -eu
from=$1 folder=$2 database=$3 owner=$4 said=$5
shift 5
begun=$database.new
export PGOPTIONS="-c client_min_messages=warning"

there() { psql -XAtqd postgres -v ON_ERROR_STOP=1 -v begun="$begun" -v database="$database" -v owner="$owner" -v said="$said" 2>&1; }

# Reads a query, in which :'tables' are those that are asked for.
was() { psql -XAtqh "$from" -v ON_ERROR_STOP=1 -v tables="$*" 2>&1; }

missing=$(was "$@" <<'SQL'
SELECT string_agg(t, ', ') FROM unnest(string_to_array(:'tables', ' ')) AS t
WHERE NOT EXISTS (
    SELECT FROM pg_class AS c INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname || '.' || c.relname = t AND c.relkind = 'r' AND NOT c.relispartition
)
SQL
) || { echo "$missing"; exit 1; }
if [ -n "$missing" ]; then
  echo "there was then no table, or only one in partitions, called $missing"
  exit 1
fi

# Once as a dump, once as a table, once in the write-ahead log.
size=$(was "$@" <<'SQL'
SELECT 128 + 3 * sum(pg_table_size(t::regclass)) / 1048576 FROM unnest(string_to_array(:'tables', ' ')) AS t
SQL
) || { echo "$size"; exit 1; }
free=$(df -Pm "$folder" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
if [ "${size%%.*}" -gt "$free" ]; then
  echo "$free MB are free, and a dump of the tables, they and their write-ahead log need ${size%%.*} MB"
  exit 1
fi

drop() {
  there <<'SQL'
DROP DATABASE IF EXISTS :"begun" WITH (FORCE)
SQL
}

# Also what an earlier one that was killed had begun.
drop
trap 'drop >/dev/null || :' EXIT
there <<'SQL'
CREATE DATABASE :"begun" OWNER :"owner" TEMPLATE template0;
REVOKE ALL ON DATABASE :"begun" FROM PUBLIC;
COMMENT ON DATABASE :"begun" IS :'said';
SQL
for table in "$@"; do
  psql -XAtqd "$begun" -v ON_ERROR_STOP=1 -v schema="${table%%.*}" -v owner="$owner" 2>&1 <<'SQL'
CREATE SCHEMA IF NOT EXISTS :"schema" AUTHORIZATION :"owner"
SQL
done
for table in "$@"; do
  shift
  set -- "$@" "--table=$table"
done
pg_dump -h "$from" --format=custom --compress=1 --section=pre-data --section=data --no-owner --no-privileges --file="$folder/tables.dump" "$@" 2>&1
pg_restore -d "$begun" --exit-on-error --single-transaction --no-owner --no-privileges --role="$owner" "$folder/tables.dump" 2>&1
there <<'SQL'
ALTER DATABASE :"begun" RENAME TO :"database"
SQL
