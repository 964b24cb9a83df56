# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the admin session reads of a server, in one round trip."""

from __future__ import annotations

# Everything about the named roles, those that were a service's, and the database, from views that everybody may read.
_EVERYBODY = """
    'user', current_user, 'pid', pg_backend_pid(),
    'roles', (SELECT jsonb_object_agg(r.rolname, jsonb_build_object(
        'login', r.rolcanlogin, 'inherit', r.rolinherit, 'connection_limit', r.rolconnlimit,
        'superuser', r.rolsuper, 'createrole', r.rolcreaterole, 'createdb', r.rolcreatedb,
        'replication', r.rolreplication, 'bypassrls', r.rolbypassrls,
        'expires', r.rolvaliduntil IS NOT NULL AND r.rolvaliduntil <> 'infinity',
        'settings', to_jsonb(coalesce(r.rolconfig, '{}')),
        'database_settings', (SELECT jsonb_object_agg(d.datname, to_jsonb(s.setconfig)) FROM pg_db_role_setting AS s
            JOIN pg_database AS d ON d.oid = s.setdatabase WHERE s.setrole = r.oid),
        'comment', shobj_description(r.oid, 'pg_authid'),
        'member_of', (SELECT coalesce(jsonb_agg(DISTINCT pg_get_userbyid(m.roleid)), '[]')
            FROM pg_auth_members AS m WHERE m.member = r.oid),
        'admin_of', (SELECT coalesce(jsonb_agg(DISTINCT pg_get_userbyid(m.roleid)), '[]')
            FROM pg_auth_members AS m WHERE m.member = r.oid AND m.admin_option),
        'members', (SELECT coalesce(jsonb_agg(DISTINCT pg_get_userbyid(m.member)), '[]')
            FROM pg_auth_members AS m WHERE m.roleid = r.oid),
        -- Since 16 a membership is somebody's who gave it, with options that are columns there and nothing before.
        'grants', CASE WHEN v.options THEN (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'role', pg_get_userbyid(m.roleid), 'grantor', pg_get_userbyid(m.grantor), 'admin', m.admin_option,
            'inherit', to_jsonb(m) -> 'inherit_option', 'set', to_jsonb(m) -> 'set_option',
            'given_on', (SELECT jsonb_agg(DISTINCT pg_get_userbyid(o.member)) FROM pg_auth_members AS o
                WHERE o.roleid = m.roleid AND o.grantor = m.member))), '[]')
            FROM pg_auth_members AS m WHERE m.member = r.oid) END,
        'given', CASE WHEN v.options THEN (SELECT jsonb_agg(jsonb_build_object(
            'member', pg_get_userbyid(m.member), 'grantor', pg_get_userbyid(m.grantor)))
            FROM pg_auth_members AS m WHERE m.roleid = r.oid) END,
        'becomes', pg_has_role(r.oid, CASE WHEN v.options THEN 'SET' ELSE 'MEMBER' END)
            AND pg_has_role(r.oid, 'USAGE'),
        'administered', NOT v.options OR pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION'),
        -- Who is no superuser can neither give nor take such a right.
        'parameters', (SELECT jsonb_agg(x.privilege_type || ' ' || p.parname ORDER BY p.parname, x.privilege_type)
            FROM pg_parameter_acl AS p, aclexplode(p.paracl) AS x
            WHERE x.grantee = r.oid AND (SELECT u.rolsuper FROM pg_roles AS u WHERE u.rolname = current_user))))
        FROM pg_roles AS r, (SELECT current_setting('server_version_num')::integer >= 160000) AS v (options)
        WHERE r.rolname = ANY (%(roles)s) OR shobj_description(r.oid, 'pg_authid') = %(service)s),
    'database', (SELECT jsonb_build_object(
        'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate,
        'connects', (SELECT has_database_privilege(r.oid, d.oid, 'CONNECT') FROM pg_roles AS r
            WHERE r.rolname = %(owner)s),
        'connection_limit', d.datconnlimit, 'closed', NOT d.datallowconn, 'template', d.datistemplate,
        'settings', (SELECT coalesce(to_jsonb(s.setconfig), '[]') FROM (SELECT 1) AS one
            LEFT JOIN pg_db_role_setting AS s ON s.setdatabase = d.oid AND s.setrole = 0))
        FROM pg_database AS d WHERE d.datname = %(database)s)"""
# What may be set for a role by somebody who is no superuser; and what the server says of itself.
_ORDINARY = """
    'settable', (SELECT jsonb_agg(lower(s.name)) FROM pg_settings AS s WHERE s.context IN ('user', 'backend')),
    'waiting', (SELECT coalesce(jsonb_agg(s.name ORDER BY s.name), '[]') FROM pg_settings AS s
        WHERE s.pending_restart)"""
# A superuser is on a server of its own: roles and settings that nobody asked for are looked at too.
_SUPERUSER = r"""
    'powerful', (SELECT jsonb_object_agg(r.rolname, jsonb_build_object(
        'superuser', r.rolsuper, 'createrole', r.rolcreaterole, 'createdb', r.rolcreatedb,
        'replication', r.rolreplication, 'bypassrls', r.rolbypassrls))
        FROM pg_roles AS r
        -- 10 is the bootstrap superuser, which is one by nature.
        WHERE (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
        AND r.oid <> 10 AND r.rolname <> current_user AND r.rolname !~ '^pg_'
        AND r.rolname <> ALL (%(roles)s)),
    'own_settings', (SELECT jsonb_object_agg(coalesce(d.datname, ''), to_jsonb(s.setconfig))
        FROM pg_db_role_setting AS s LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
        WHERE s.setrole = current_user::regrole),
    'common_parameters', (SELECT jsonb_agg(x.privilege_type || ' ' || p.parname ORDER BY p.parname, x.privilege_type)
        FROM pg_parameter_acl AS p, aclexplode(p.paracl) AS x WHERE x.grantee = 0),
    'common_settings', (SELECT to_jsonb(s.setconfig) FROM pg_db_role_setting AS s
        WHERE s.setrole = 0 AND s.setdatabase = 0),
    'system', (SELECT jsonb_agg(jsonb_build_object(
        'name', coalesce(s.name, f.name), 'altered', coalesce(f.altered, false), 'value', f.value, 'file', f.file,
        'context', s.context, 'type', s.vartype, 'setting', s.setting, 'unit', s.unit, 'source', s.source,
        'default', s.boot_val, 'pending', coalesce(s.pending_restart, false)) ORDER BY coalesce(s.name, f.name))
        FROM (SELECT lower(e.name) AS name, bool_or(e.altered) AS altered,
                (array_agg(e.setting ORDER BY e.seqno DESC) FILTER (WHERE e.altered))[1] AS value,
                (array_agg(e.setting ORDER BY e.seqno DESC) FILTER (WHERE NOT e.altered))[1] AS file
            FROM (SELECT p.*, p.sourcefile ~ '/postgresql\.auto\.conf$' AS altered FROM pg_file_settings AS p
                WHERE p.name IS NOT NULL) AS e
            GROUP BY lower(e.name)) AS f
        FULL JOIN pg_settings AS s ON lower(s.name) = f.name
        WHERE f.altered OR s.pending_restart)"""

# The one thing that pg_authid is asked, about the session's own role alone; the verifier is not read.
_OWN_LOGIN = """
    'own_password', (SELECT a.rolpassword IS NOT NULL FROM pg_authid AS a WHERE a.rolname = current_user)"""


def query(superuser: bool, own_password: bool = False) -> str:
    """The query for this session; a relation that it may not read must not even stand in it."""
    parts = [_EVERYBODY, _SUPERUSER if superuser else _ORDINARY]
    return f"SELECT jsonb_build_object({','.join(parts + ([_OWN_LOGIN] if superuser and own_password else []))})"
