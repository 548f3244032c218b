#!/bin/sh
# post_init.sh CONNECTION — the admin role, once, on the first leader
set -eu
[ -n "${PGPASSWORD_ADMIN:-}" ] || exit 0
psql -qXv ON_ERROR_STOP=1 -v name="${PGUSER_ADMIN:-admin}" -v password="$PGPASSWORD_ADMIN" "$1" <<'SQL'
create role :"name" login createdb createrole password :'password';
SQL
