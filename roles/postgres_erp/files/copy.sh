#!/bin/bash -eu
# Roles and the database from /run/old to /run/new, by the programs of the newer server; then every table's rows are counted in both.
database=$1 admin=$2
old=(-h /run/old -U "$admin") new=(-h /run/new -U "$admin")
for ((try = 0; try < 600; try++)); do pg_isready -q "${new[@]}" && break; sleep 0.1; done
# The administrator's own role is there already.
pg_dumpall "${old[@]}" --roles-only | grep -v "^CREATE ROLE $admin;" | psql "${new[@]}" -XqAtv ON_ERROR_STOP=1 -d postgres >/dev/null
pg_dump "${old[@]}" -Fc --create "$database" | pg_restore "${new[@]}" --create --exit-on-error -d postgres
rows() {
  psql "$@" -XqAtv ON_ERROR_STOP=1 -d "$database" <<'SQL'
SELECT format('SELECT %L, count(*) FROM %I.%I', nspname || '.' || relname, nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname <> 'information_schema' AND nspname !~ '^pg_' ORDER BY nspname, relname \gexec
SQL
}
rows "${old[@]}" >/tmp/old
rows "${new[@]}" >/tmp/new
diff /tmp/old /tmp/new >&2 || { echo "the copy has other rows than the original" >&2; exit 1; }
vacuumdb "${new[@]}" --quiet --analyze-only -d "$database"
