-- Does the server run what its files say, and which of the wanted settings (a JSON object) would only a start bring into force?
-- The second is for a dry run, which does not write the files; in a run the server itself says so after its reload.
WITH wanted AS (
    SELECT
        entry.key AS name,
        entry.value
    FROM jsonb_each_text(%(settings)s::jsonb) AS entry
),

compared AS (
    SELECT
        s.name,
        CASE
            -- No longer written down: the default comes back.
            WHEN w.value IS NULL THEN s.setting IS NOT DISTINCT FROM s.boot_val
            WHEN s.vartype = 'bool' THEN s.setting::bool = w.value::bool
            WHEN s.unit ~ 'B$' AND w.value ~ '^[0-9]+ *[kMGT]B$'
                THEN s.setting::numeric * CASE s.unit
                    WHEN 'B' THEN 1
                    WHEN '8kB' THEN 8192
                    ELSE pg_size_bytes('1' || s.unit)
                END = pg_size_bytes(w.value)
            WHEN s.vartype IN ('integer', 'real') AND w.value ~ '^-?[0-9.]+$' THEN s.setting::numeric = w.value::numeric
            ELSE lower(s.setting) = lower(w.value)
        END AS equal
    FROM pg_settings AS s
    LEFT JOIN wanted AS w ON s.name = lower(w.name)
    WHERE s.context = 'postmaster' AND (w.name IS NOT NULL OR s.sourcefile = '/etc/postgresql/postgresql.conf')
)

SELECT
    pg_conf_load_time() < to_timestamp(%(newest)s) AS reload,
    (SELECT coalesce(jsonb_agg(c.name ORDER BY c.name), '[]') FROM compared AS c WHERE NOT c.equal) AS restart
