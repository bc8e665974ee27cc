using System.Buffers.Text;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Npgsql;

namespace Demarc.Control.Configuration;

/// <summary>Where things are kept: <c>store</c>, <c>content</c> and <c>master_key</c>.</summary>
internal static class StoreSection
{
    private const string Accepted = "sqlite:PATH or postgres://user:password@host:port/database[?sslmode=…&sslrootcert=…], of which the password may be a reference";

    /// <summary>Stands for the reference while the address is taken apart.</summary>
    private const string Placeholder = "demarc-secret-reference";

    public static StoreConfig? Store(ConfigNode? node, ConfigReading reading)
    {
        if (reading.Raw(node) is not { } text)
            return new SqliteStoreConfig(Path.GetFullPath(Path.Combine(reading.Sources.DataDirectory, "demarc.db")));
        if (text.Value.StartsWith("postgres://", StringComparison.Ordinal) || text.Value.StartsWith("postgresql://", StringComparison.Ordinal))
            return Postgres(text, reading);
        if (reading.Text(text) is null)
            return null;
        if (FilePath(text, "sqlite:", reading) is { } path)
            return new SqliteStoreConfig(path);
        // Not repeated: a connection string of another kind may hold a password.
        reading.Error(text, $"neither an SQLite file nor a PostgreSQL address; accepted: {Accepted}");
        return null;
    }

    /// <summary>The store with what signs in to it: <c>store_credential</c>.</summary>
    public static StoreConfig? Credential(ConfigNode? node, StoreConfig? store, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["azure"]) is not { } map || map.Required("azure", "default") is not { } value || CredentialSection.Azure(value, reading) is not { } credential)
            return store;
        if (store is not PostgresStoreConfig postgres)
        {
            if (store is not null)
                reading.Error(node!, "the embedded store is signed in to by nobody; accepted: with store: postgres://…");
            return store;
        }
        var connection = new NpgsqlConnectionStringBuilder(postgres.ConnectionString.Reveal());
        if (connection.Password is not null)
            reading.Error(node!, "the store's address has a password too; accepted: one of the two");
        else if (connection.SslMode is not (SslMode.VerifyFull or SslMode.VerifyCA) && !UrlRules.IsLoopback(connection.Host!))
            reading.Error(node!, "the token would go to whoever answers at that address; accepted: sslmode=verify-full in the store's address");
        return postgres with { Credential = credential };
    }

    /// <summary>Another PostgreSQL address than the configuration's own, with a reference for its password; null with what is wrong.</summary>
    public static (PostgresStoreConfig? Store, string? Problem) Other(string address, ConfigSources sources)
    {
        var reading = new ConfigReading(Environment.CurrentDirectory, sources);
        var store = Store(new TextNode("store", 1, 1, address, Plain: true), reading) as PostgresStoreConfig;
        return (store, store is not null ? null : reading.Problems.FirstOrDefault(p => p.Severity is ConfigSeverity.Error)?.Message ?? $"no PostgreSQL address; accepted: {Accepted}");
    }

    public static string? Journal(TextNode? node, ConfigNode? store, ConfigReading reading)
    {
        if (node is not { } text)
            return null;
        if (store is TextNode { Value: var address } && address.StartsWith("postgres", StringComparison.Ordinal))
            return reading.Absolute(text.Value);
        reading.Error(text, "the embedded store has a journal of its own; accepted: with store: postgres://…");
        return null;
    }

    /// <summary>False for <c>refuse</c>, the default.</summary>
    public static bool Outage(TextNode? node, ConfigReading reading)
    {
        switch (node?.Value)
        {
            case "serve":
                reading.Warn(node!, "while the store is away, people and keys that were revoked meanwhile are still let in");
                return true;
            case null or "refuse":
                return false;
            default:
                reading.Error(node!, "not what to do while the store is away; accepted: refuse, serve");
                return false;
        }
    }

    /// <summary>Whether <c>durability</c> is <c>strict</c>; default <c>answers</c>.</summary>
    public static bool IsStrict(TextNode? node, ConfigReading reading)
    {
        if (node is { Value: not ("answers" or "strict") })
            reading.Error(node, "not when records have to be durable; accepted: answers (before any answer), strict (before anything is sent)");
        return node?.Value == "strict";
    }

    public static string? Content(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (FilePath(node, "file:", reading) is { } path)
            return path;
        reading.Error(node, "not a place for content; accepted: file:DIRECTORY");
        return null;
    }

    public static Secret? MasterKey(ConfigNode? node, ConfigReading reading)
    {
        if (reading.Raw(node) is not { } text || SecretReference.Read(text, reading) is not { } secret)
            return null;
        if (Base64.IsValid(secret.Reveal(), out var size) && size >= ContentKey.Size)
            return secret;
        reading.Error(text, $"the master key is not base64 of at least {ContentKey.Size} bytes; accepted: what `openssl rand -base64 32` prints");
        return null;
    }

    public static string? FilePath(TextNode node, string scheme, ConfigReading reading)
    {
        var path = node.Value.StartsWith(scheme, StringComparison.Ordinal) ? node.Value[scheme.Length..] : "";
        return path.Length == 0 || path.StartsWith("//", StringComparison.Ordinal) || path.Any(char.IsControl) ? null : reading.Absolute(path);
    }

    private static PostgresStoreConfig? Postgres(TextNode node, ConfigReading reading)
    {
        var reference = SecretReference.Find(node.Value);
        var plain = reference.Success
            ? string.Concat(node.Value.AsSpan(0, reference.Index), Placeholder, node.Value.AsSpan(reference.Index + reference.Length))
            : node.Value;
        if (!Uri.TryCreate(plain, UriKind.Absolute, out var url) || url.Host.Length == 0 || url.Port == 0 || plain.Contains("${", StringComparison.Ordinal))
            return Refuse("not a PostgreSQL address");

        var user = url.UserInfo.Split(':', 2);
        var name = Uri.UnescapeDataString(user[0]);
        var password = user.Length > 1 ? new Secret(Uri.UnescapeDataString(user[1])) : null;
        var database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/'));
        if (name.Length == 0 || database.Length == 0 || database.Contains('/'))
            return Refuse("the PostgreSQL address names no user or no database");
        if (reference.Success)
        {
            if (password?.Reveal() != Placeholder)
                return Refuse("a reference stands outside of the password, or is not the whole of it");
            password = SecretReference.Resolve(node, reference, reading);
            if (password is null)
                return null;
        }
        else if (password is not null)
            SecretReference.WarnLiteral(node, reading);

        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host.Trim('[', ']'),
            Port = url.Port < 0 ? NpgsqlConnection.DefaultPort : url.Port,
            Username = name,
            Password = password?.Reveal(),
            Database = database,
        };
        if (!Options(url.Query, connection, reading))
            return Refuse("an unknown option in the PostgreSQL address");
        return new PostgresStoreConfig(
            $"postgres://{Uri.EscapeDataString(name)}@{url.Host}:{connection.Port}/{Uri.EscapeDataString(database)}",
            new Secret(connection.ConnectionString));

        PostgresStoreConfig? Refuse(string problem)
        {
            reading.Error(node, $"{problem}; accepted: {Accepted}");
            return null;
        }
    }

    /// <summary>The address's query, with libpq's names.</summary>
    private static bool Options(string query, NpgsqlConnectionStringBuilder connection, ConfigReading reading)
    {
        foreach (var option in query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = option.Split('=', 2);
            var value = Uri.UnescapeDataString(pair.Length > 1 ? pair[1] : "");
            if (pair[0] is "sslrootcert" && value.Length > 0)
                connection.RootCertificate = reading.Absolute(value);
            else if (pair[0] is "sslmode" && Enum.TryParse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var mode) && Enum.IsDefined(mode))
                connection.SslMode = mode;
            else
                return false;
        }
        return true;
    }
}
