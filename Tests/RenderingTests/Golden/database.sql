SET client_min_messages = warning;
SET standard_conforming_strings = on;
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track_utility = off;
SET pgaudit.log = 'none';
SET lock_timeout = '10s';
SET statement_timeout = '60s';
SELECT 'CREATE DATABASE "crm"'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'crm')
\gexec
SELECT 'CREATE ROLE anon NOLOGIN NOINHERIT'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'anon')
\gexec
SELECT 'CREATE ROLE authenticated NOLOGIN NOINHERIT'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticated')
\gexec
SELECT 'CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'service_role')
\gexec
SELECT 'CREATE ROLE supabase_admin LOGIN SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_admin')
\gexec
SELECT 'CREATE ROLE authenticator LOGIN NOINHERIT'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticator')
\gexec
ALTER ROLE authenticator PASSWORD  E'it''s\\me';
SELECT 'CREATE ROLE supabase_auth_admin LOGIN NOINHERIT CREATEROLE'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_auth_admin')
\gexec
SELECT 'CREATE ROLE supabase_storage_admin LOGIN NOINHERIT CREATEROLE'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_storage_admin')
\gexec
GRANT anon, authenticated, service_role TO authenticator;
GRANT authenticator TO supabase_storage_admin;
\connect -reuse-previous=on 'postgresql:///crm'
SET client_min_messages = warning;
SET standard_conforming_strings = on;
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track_utility = off;
SET pgaudit.log = 'none';
SET lock_timeout = '10s';
SET statement_timeout = '60s';
CREATE SCHEMA IF NOT EXISTS "auth" AUTHORIZATION supabase_auth_admin;
CREATE SCHEMA IF NOT EXISTS "storage" AUTHORIZATION supabase_storage_admin;
CREATE SCHEMA IF NOT EXISTS "_realtime" AUTHORIZATION supabase_admin;
CREATE SCHEMA IF NOT EXISTS "extensions" AUTHORIZATION postgres;
GRANT USAGE ON SCHEMA public, extensions TO anon, authenticated, service_role;
GRANT USAGE ON SCHEMA auth, storage TO anon, authenticated, service_role;
GRANT CREATE ON DATABASE "crm" TO supabase_auth_admin, supabase_storage_admin;
ALTER ROLE supabase_auth_admin SET search_path = auth;
ALTER ROLE supabase_storage_admin SET search_path = storage;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
SELECT 'CREATE EXTENSION IF NOT EXISTS "pgcrypto" WITH SCHEMA extensions'
WHERE EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pgcrypto')
\gexec
SELECT 'CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA extensions'
WHERE EXISTS (SELECT FROM pg_available_extensions WHERE name = 'uuid-ossp')
\gexec
SELECT 'CREATE EXTENSION IF NOT EXISTS "pg_stat_statements" WITH SCHEMA extensions'
WHERE EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')
\gexec
