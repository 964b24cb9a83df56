-- Last: once this transaction is committed, PostgREST reads the roles' settings, then tables and functions, again.

NOTIFY pgrst, 'reload config';
NOTIFY pgrst, 'reload schema';
