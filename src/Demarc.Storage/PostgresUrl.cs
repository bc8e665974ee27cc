using Npgsql;

namespace Demarc.Storage;

/// <summary>Reads <c>postgres://user:password@host:5432/database?option=value</c>.</summary>
internal static class PostgresUrl
{
    /// <summary>The options a URL may carry and what Npgsql calls them; libpq's names.</summary>
    private static readonly Dictionary<string, string> Options = new(StringComparer.Ordinal)
    {
        ["sslmode"] = "SSL Mode",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["host"] = "Host",
        ["connect_timeout"] = "Timeout",
        ["application_name"] = "Application Name",
        ["pool_max_conns"] = "Maximum Pool Size",
    };

    /// <exception cref="StoreException">The URL has no database or an unknown option.</exception>
    public static string ConnectionString(Uri url)
    {
        var text = new NpgsqlConnectionStringBuilder { ApplicationName = "demarc" };
        if (url.Host.Length > 0)
            text.Host = Uri.UnescapeDataString(url.Host);
        if (url.Port > 0)
            text.Port = url.Port;
        text.Database = Uri.UnescapeDataString(url.AbsolutePath.Trim('/'));
        if (text.Database.Length == 0)
            throw new StoreException("The store's URL names no database: postgres://USER:PASSWORD@HOST/DATABASE.");

        var user = url.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
            text.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1)
            text.Password = Uri.UnescapeDataString(user[1]);

        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            if (parts.Length != 2 || !Options.TryGetValue(parts[0], out var name))
                throw new StoreException($"The store's URL has an option '{parts[0]}' that is not one of {string.Join(", ", Options.Keys)}.");
            // libpq writes verify-full, Npgsql VerifyFull.
            var value = Uri.UnescapeDataString(parts[1]);
            text[name] = parts[0] == "sslmode" ? value.Replace("-", "", StringComparison.Ordinal) : value;
        }
        return text.ToString();
    }
}
