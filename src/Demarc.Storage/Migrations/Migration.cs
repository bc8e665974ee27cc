using System.Data.Common;
using System.Globalization;
using System.Reflection;
using Dapper;

namespace Demarc.Storage.Migrations;

/// <summary>The numbered SQL files of one dialect, embedded as <c>Migrations/{dialect}/0001_name.sql</c>.</summary>
internal sealed record Migration(long Version, string Name, string Sql)
{
    public static Migration[] Of(string dialect)
    {
        var assembly = Assembly.GetExecutingAssembly();
        var prefix = $"Demarc.Storage.Migrations.{dialect}.";
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => Read(assembly, name, name[prefix.Length..]))];
    }

    /// <summary>Applies what is missing. The caller holds the lock and the transaction.</summary>
    /// <exception cref="StoreException">The store has a migration that this program does not know.</exception>
    public static async Task ApplyAsync(DbConnection connection, string dialect, TimeProvider time)
    {
        await connection.ExecuteAsync(
            "CREATE TABLE IF NOT EXISTS migrations (version bigint PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL)").ConfigureAwait(false);
        var migrations = Of(dialect);
        var newest = migrations[^1].Version;
        var at = await connection.ExecuteScalarAsync<long>("SELECT coalesce(max(version), 0) FROM migrations").ConfigureAwait(false);
        if (at > newest)
            throw new StoreException(
                $"The store is at version {at} and this program knows {newest}: run the newer demarc, or restore the backup made before the upgrade.");

        foreach (var migration in migrations.Where(m => m.Version > at))
        {
            // An index over years of rows takes its time.
            await connection.ExecuteAsync(migration.Sql, commandTimeout: 0).ConfigureAwait(false);
            await connection.ExecuteAsync(
                "INSERT INTO migrations (version, name, applied_at) VALUES (@Version, @Name, @appliedAt)",
                new { migration.Version, migration.Name, appliedAt = time.GetUtcNow().ToUnixTimeMilliseconds() }).ConfigureAwait(false);
        }
    }

    private static Migration Read(Assembly assembly, string resource, string file)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return new Migration(long.Parse(file.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture), file[5..^4], reader.ReadToEnd());
    }
}
