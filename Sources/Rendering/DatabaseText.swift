import Cluster

/// The SQL that creates what is missing of the manifest's database.
///
/// Spilo never runs the init scripts of supabase/postgres (FIELD §3), so the roles and schemas
/// that Supabase's services expect are made here. Nothing that exists is dropped, and only what
/// is named here is granted.
struct DatabaseText {
    let database: String
    let hasSupabase: Bool
    /// The passwords of roles for which the manifest has a secret of that name.
    var passwords: [String: Secret] = [:]

    init(topology: Topology) {
        database = topology.desired.postgres.database
        hasSupabase = topology.desired.hasSupabase
    }

    /// Counts up when the SQL changes in a way that existing clusters need.
    static let revision = 1

    /// Roles that a service logs in as.
    var passwordRoles: [String] { hasSupabase ? SupabaseKind.loginRoles : [] }

    private struct Role {
        let name: String
        let attributes: String
    }
    private static let loginRoles = [
        Role(
            name: "supabase_admin",
            attributes: "LOGIN SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS"),
        Role(name: "authenticator", attributes: "LOGIN NOINHERIT"),
        Role(name: "supabase_auth_admin", attributes: "LOGIN NOINHERIT CREATEROLE"),
        Role(name: "supabase_storage_admin", attributes: "LOGIN NOINHERIT CREATEROLE"),
    ]
    private static let groupRoles = [
        Role(name: "anon", attributes: "NOLOGIN NOINHERIT"),
        Role(name: "authenticated", attributes: "NOLOGIN NOINHERIT"),
        Role(name: "service_role", attributes: "NOLOGIN NOINHERIT BYPASSRLS"),
    ]
    private static let schemas = [
        Schema(name: "auth", owner: "supabase_auth_admin"),
        Schema(name: "storage", owner: "supabase_storage_admin"),
        Schema(name: "_realtime", owner: "supabase_admin"),
        Schema(name: "extensions", owner: "postgres"),
    ]
    private struct Schema {
        let name: String
        let owner: String
    }
    private static let extensions = ["pgcrypto", "uuid-ossp", "pg_stat_statements"]

    var script: ResolvedText {
        let text = settings + createDatabase + (hasSupabase ? supabase : "")
        return passwords.isEmpty ? ResolvedText(text) : ResolvedText(sensitive: Secret(text))
    }

    /// `state/database.json`: what the script made sure of. No secrets.
    var marker: FileSpec {
        var fields: [String: JSONValue] = [
            "database": .string(database), "revision": .int(Int64(Self.revision)),
        ]
        if hasSupabase {
            let roles = (Self.loginRoles + Self.groupRoles).map(\.name).sorted()
            fields["roles"] = .array(roles.map(JSONValue.string))
            fields["schemas"] = .array(Self.schemas.map { .string($0.name) })
            fields["passwords"] = .array(passwords.keys.sorted().map(JSONValue.string))
        }
        return FileSpec(
            path: "state/database.json",
            content: ResolvedText(JSONValue.object(fields).canonicalText + "\n"))
    }

    /// Passwords must not be written into the server's log, its audit or its statistics,
    /// whatever the cluster's settings. Those of extensions that are not loaded mean nothing. And
    /// nothing waits behind somebody's open transaction until nobody knows what became of it; a
    /// COMMIT's wait for a synchronous standby is bounded where psql is run.
    private var settings: String {
        """
        SET client_min_messages = warning;
        SET standard_conforming_strings = on;
        SET log_statement = 'none';
        SET log_min_duration_statement = -1;
        SET log_min_error_statement = 'panic';
        SET pg_stat_statements.track_utility = off;
        SET pgaudit.log = 'none';
        SET lock_timeout = '10s';
        SET statement_timeout = '60s';

        """
    }

    private var createDatabase: String {
        """
        SELECT \(Self.literal("CREATE DATABASE \(Self.identifier(database))"))
        WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = \(Self.literal(database)))
        \\gexec

        """
    }

    private var supabase: String {
        var sql = ""
        for role in Self.groupRoles + Self.loginRoles { sql += create(role) }
        sql += "GRANT anon, authenticated, service_role TO authenticator;\n"
        sql += "GRANT authenticator TO supabase_storage_admin;\n"
        sql += "\\connect -reuse-previous=on \(Self.address(database))\n" + settings
        for schema in Self.schemas {
            let name = Self.identifier(schema.name)
            sql += "CREATE SCHEMA IF NOT EXISTS \(name) AUTHORIZATION \(schema.owner);\n"
        }
        sql += """
            GRANT USAGE ON SCHEMA public, extensions TO anon, authenticated, service_role;
            GRANT USAGE ON SCHEMA auth, storage TO anon, authenticated, service_role;
            GRANT CREATE ON DATABASE \(Self.identifier(database)) TO supabase_auth_admin, \
            supabase_storage_admin;
            ALTER ROLE supabase_auth_admin SET search_path = auth;
            ALTER ROLE supabase_storage_admin SET search_path = storage;

            """
        for role in ["postgres", "supabase_admin"] {
            for kind in ["TABLES", "SEQUENCES", "FUNCTIONS"] {
                sql += """
                    ALTER DEFAULT PRIVILEGES FOR ROLE \(role) IN SCHEMA public \
                    GRANT ALL ON \(kind) TO anon, authenticated, service_role;

                    """
            }
        }
        for name in Self.extensions { sql += create(extension: name) }
        return sql
    }

    private func create(_ role: Role) -> String {
        let statement = "CREATE ROLE \(role.name) \(role.attributes)"
        var sql = """
            SELECT \(Self.literal(statement))
            WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = \(Self.literal(role.name)))
            \\gexec

            """
        if let password = passwords[role.name] {
            sql += "ALTER ROLE \(role.name) PASSWORD \(Self.literal(password.reveal()));\n"
        }
        return sql
    }

    /// Some extensions of supabase/postgres are missing from Spilo: made where the image has them.
    private func create(extension name: String) -> String {
        let statement =
            "CREATE EXTENSION IF NOT EXISTS \(Self.identifier(name)) WITH SCHEMA extensions"
        return """
            SELECT \(Self.literal(statement))
            WHERE EXISTS (SELECT FROM pg_available_extensions WHERE name = \(Self.literal(name)))
            \\gexec

            """
    }

    /// A quoted identifier.
    static func identifier(_ name: String) -> String {
        "\""
            + name.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
    }

    /// A string constant that means the same under every setting of the session; backslashes too,
    /// as `E''` escapes them.
    static func literal(_ text: String) -> String {
        var quoted = text.utf8.contains(UInt8(ascii: "\\")) ? " E'" : "'"
        for scalar in text.unicodeScalars {
            if scalar == "'" || scalar == "\\" { quoted.unicodeScalars.append(scalar) }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "'"
    }

    /// The argument of `\connect`: an address, whose percent-encoding leaves nothing for psql to
    /// read as a quote, a variable or the end of its line.
    static func address(_ database: String) -> String {
        var encoded = "postgresql:///"
        for byte in database.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return "'\(encoded)'"
    }
}
