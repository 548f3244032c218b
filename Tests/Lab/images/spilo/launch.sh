#!/bin/sh
# From Spilo's variables to a running Patroni.
set -eu
: "${SCOPE:=dummy}"
export SCOPE
# Patroni reads PATRONI_* before its file. Spilo does not let it, and neither do we.
for name in $(env | sed -n 's/^\(PATRONI_[A-Za-z0-9_]*\)=.*/\1/p'); do unset "$name"; done
mkdir -p "$PGROOT" /run/postgresql "$PGHOME/.config/patroni" /root/.config/patroni
chown postgres: "$PGHOME/pgdata" "$PGROOT" /run/postgresql
umask 077
/usr/bin/python3 /configure.py > "$PGHOME/postgres.yml"
chown postgres: "$PGHOME/postgres.yml"
ln -sfn "$PGHOME/postgres.yml" "$PGHOME/.config/patroni/patronictl.yaml"
ln -sfn "$PGHOME/postgres.yml" /root/.config/patroni/patronictl.yaml
umask 022
export HOME="$PGHOME"
exec setpriv --reuid=postgres --regid=postgres --init-groups patroni "$PGHOME/postgres.yml"
