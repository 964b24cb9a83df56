-- Schema private: what guards the API. It is not among PostgREST's db-schemas, so nothing in it can be called from
-- outside; API roles may use its functions, because PostgREST and row rules call them in the caller's name.
-- Like every file of this directory: safe to run at any time, the second run changes nothing.

CREATE SCHEMA IF NOT EXISTS private;
COMMENT ON SCHEMA private IS 'Guards of the API: request check, claims, revoked tokens. Never exposed.';

CREATE TABLE IF NOT EXISTS private.revoked_tokens (
    jti TEXT NOT NULL,
    expires_at TIMESTAMPTZ,
    reason TEXT,
    revoked_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT revoked_tokens_pkey PRIMARY KEY (jti)
);
COMMENT ON TABLE private.revoked_tokens IS
'Tokens that are refused before they expire. The list of record is on the control node; this is its copy.';
COMMENT ON COLUMN private.revoked_tokens.jti IS 'The token''s id.';
COMMENT ON COLUMN private.revoked_tokens.expires_at IS
'When the token would expire anyway and the row may go; null: unknown, keep it.';

-- A policy calls this as (SELECT private.claim('client_id')), so that it is evaluated once a query.
CREATE OR REPLACE FUNCTION private.claim(name TEXT) RETURNS TEXT
LANGUAGE sql
STABLE PARALLEL SAFE
SET search_path = ''
AS $$
    SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> claim.name
$$;
COMMENT ON FUNCTION private.claim(TEXT) IS 'One claim of the request''s token as text; null when there is none.';

CREATE OR REPLACE FUNCTION private.claimed_id(name TEXT) RETURNS BIGINT
LANGUAGE sql
STABLE PARALLEL SAFE
SET search_path = ''
AS $$
    SELECT CASE WHEN c.value ~ '^-?[0-9]{1,18}$' THEN c.value::bigint END
    FROM private.claim(claimed_id.name) AS c (value)
$$;
COMMENT ON FUNCTION private.claimed_id(TEXT) IS
'One claim of the request''s token as the id of a row; null when there is none, or when it is no whole number.';

-- PostgREST's db-pre-request: runs at the start of every request, after the change of role and before the query.
-- PostgREST has checked signature, exp, nbf, iat and, if present, aud; it accepts a token that has no exp or no aud.
-- Keyed on the role in force, never on a claim being there: a token without claims must not pass as "no token".
-- SECURITY DEFINER, because no API role may read the list of revoked tokens.
CREATE OR REPLACE FUNCTION private.check_request() RETURNS VOID
LANGUAGE plpgsql
STABLE SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
    longest CONSTANT numeric := 90 * 24 * 60 * 60;
    -- The clocks of the control node and the server may differ by as much as PostgREST allows.
    skew CONSTANT numeric := 30;
    clock CONSTANT numeric := extract(EPOCH FROM now());
    claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
    issued numeric := clock;
    claim text;
BEGIN
    IF claims IS NULL OR claims ->> 'role' IS DISTINCT FROM current_setting('role') THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = 'token refused: it is not for the role of this request';
    END IF;
    FOREACH claim IN ARRAY ARRAY['sub', 'jti', 'iss'] LOOP
        IF jsonb_typeof(claims -> claim) IS DISTINCT FROM 'string' OR claims ->> claim = '' THEN
            RAISE SQLSTATE 'PT401' USING MESSAGE = format('token refused: claim "%s" is missing', claim);
        END IF;
    END LOOP;
    -- Whether the audience is this API's is PostgREST's to say (jwt-aud); here it only has to be there.
    IF coalesce(claims ->> 'aud', '') IN ('', '[]') THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = 'token refused: claim "aud" is missing';
    END IF;
    IF jsonb_typeof(claims -> 'exp') IS DISTINCT FROM 'number' THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = 'token refused: claim "exp" is missing';
    END IF;
    IF claims ->> 'iss' <> 'portfolio' THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = 'token refused: unknown issuer';
    END IF;
    IF jsonb_typeof(claims -> 'iat') = 'number' THEN
        -- A token issued "in the future" would otherwise live longer than the limit.
        issued := least((claims ->> 'iat')::numeric, clock);
    END IF;
    IF (claims ->> 'exp')::numeric - issued > longest + skew THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = 'token refused: it lives longer than 90 days';
    END IF;
    IF EXISTS (SELECT FROM private.revoked_tokens AS r WHERE r.jti = claims ->> 'jti') THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = 'token refused: it was revoked';
    END IF;
END
$$;
COMMENT ON FUNCTION private.check_request() IS
'Refuses a request (401) whose token lacks exp, aud, iss, jti or sub, lives longer than 90 days or was revoked.';
