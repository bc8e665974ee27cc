using Demarc.Control.Configuration;
using Demarc.Control.Resources;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Proxy.Upstreams.Tokens;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Storage.Retention;

namespace Demarc.Serving;

/// <summary>What serving and the command line both stand on: configuration, catalog, master key and store.</summary>
internal sealed class Installation : IAsyncDisposable
{
    private Installation(InstallationFiles files, MasterKey master, Store store, Organization organization, ErasureJournal journal) =>
        (Files, Master, Store, Organization, Journal) = (files, master, store, organization, journal);

    public InstallationFiles Files { get; }

    public MasterKey Master { get; }

    public Store Store { get; }

    /// <summary>The one organization there is.</summary>
    public Organization Organization { get; }

    /// <summary>What was erased; all of it is erased here too.</summary>
    public ErasureJournal Journal { get; }

    /// <summary>Opens the store, making or migrating it when need be.</summary>
    /// <param name="actor">Who makes the organization when there is none; null for Demarc itself.</param>
    /// <exception cref="ServeException">The master key is missing.</exception>
    /// <exception cref="StoreException">The store cannot be opened.</exception>
    public static async Task<Installation> OpenAsync(InstallationFiles files, TimeProvider time, ILoggerFactory loggers, ActorRecord? actor = null)
    {
        var config = files.Config;
        Directory.CreateDirectory(files.DataDirectory);
        // A key made beside a store that has another one would seal and sign what nobody can open or check.
        var fresh = config.Store is SqliteStoreConfig { Path: var path } ? !File.Exists(path) : actor is null;
        var master = MasterKeyFile.Open(config.MasterKey, files.DataDirectory, mayMake: fresh);
        var store = config.Store switch
        {
            SqliteStoreConfig file => await Store.OpenSqliteAsync(file.Path, master, time, loggers),
            PostgresStoreConfig server => await Store.OpenPostgresAsync(
                server.ConnectionString.Reveal(), server.Credential is { } azure ? new DatabaseTokens(azure, time, loggers.CreateLogger<DatabaseTokens>()).GetAsync : null, master, time, loggers),
            _ => throw new ServeException("The store is neither SQLite nor PostgreSQL."),
        };
        try
        {
            var organization = await store.Organizations.EnsureFirstAsync(
                config.OrganizationName ?? "Default", actor ?? new ActorRecord("system", store.Replica));
            // Before anybody can be served what a restored backup brought back.
            var journal = new ErasureJournal(store, config.Retention.Journal);
            await journal.ReplayAsync(new ActorRecord("system", store.Replica));
            return new Installation(files, master, store, organization, journal);
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => Store.DisposeAsync();
}

/// <summary>The configuration and the catalog, read.</summary>
/// <param name="Path">The configuration file.</param>
/// <param name="Read">The reading that gave <paramref name="Config"/>, with its warnings.</param>
/// <param name="Shipped">The catalog that came with the program.</param>
/// <param name="Catalog">The catalog in force: the configuration's, else the shipped one.</param>
internal sealed record InstallationFiles(
    string Path, string DataDirectory, ConfigSources Sources, ConfigResult Read, DemarcConfig Config, Catalog Shipped, Catalog Catalog)
{
    /// <summary>What the configuration says, without the aliases of the store.</summary>
    public GatewaySnapshot Snapshot => ConfigSnapshot.Build(Config, Catalog, Read.Hash);

    /// <summary>All that is wrong with a configuration file.</summary>
    /// <exception cref="ServeException">The shipped catalog cannot be used.</exception>
    public static ConfigResult Check(string path, TimeProvider time)
    {
        var catalog = LoadCatalog(null);
        var read = ConfigFile.Read(path, ConfigSources.Process with { Catalog = catalog, KnownModel = id => catalog.FindModel(id) is not null });
        return Review(read, read.Config?.CatalogPath is { } own ? LoadCatalog(own) : catalog, time);
    }

    /// <summary>The reading with what its policies and deployments get wrong together (<see cref="PolicyReview"/>), and models that retire (<see cref="ModelReview"/>).</summary>
    public static ConfigResult Review(ConfigResult read, Catalog catalog, TimeProvider time)
    {
        if (read.Config is not { } config)
            return read;
        var snapshot = ConfigSnapshot.Build(config, catalog, read.Hash);
        var found = PolicyReview.Of(config, snapshot, time.GetUtcNow());
        var aging = ModelReview.Of(config, snapshot, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime));
        return read.With([.. read.Problems.Concat(found).Concat(aging).OrderBy(p => p.Line).ThenBy(p => p.Column)]);
    }

    /// <exception cref="ServeException">The configuration or the catalog cannot be used; the message says why and where.</exception>
    public static InstallationFiles Load(string path, string dataDirectory)
    {
        var shipped = LoadCatalog(null);
        var sources = ConfigSources.Process with { DataDirectory = dataDirectory, Catalog = shipped, KnownModel = id => shipped.FindModel(id) is not null };
        var read = ConfigFile.Read(path, sources);
        var config = read.Config ?? throw new ServeException(ConfigReport.Text(path, read).TrimEnd());
        return new InstallationFiles(
            path, dataDirectory, sources, read, config, shipped, config.CatalogPath is null ? shipped : LoadCatalog(config.CatalogPath));
    }

    /// <summary>What is known of the ways to buy and run Claude, with the catalog that it refers to: those that came with the program.</summary>
    /// <exception cref="ServeException">It cannot be used.</exception>
    public static (WayKnowledge Known, Catalog Catalog) LoadWays()
    {
        var catalog = LoadCatalog(null);
        var path = System.IO.Path.Combine(AppContext.BaseDirectory, "catalog", "ways.json");
        try
        {
            return (WayKnowledge.Parse(File.ReadAllBytes(path), catalog), catalog);
        }
        catch (CatalogException e)
        {
            throw new ServeException($"{path} cannot be used.\n{e.Message}");
        }
    }

    /// <summary>The catalog of a file; null for the shipped one.</summary>
    /// <exception cref="ServeException">It cannot be used.</exception>
    public static Catalog LoadCatalog(string? path)
    {
        path ??= System.IO.Path.Combine(AppContext.BaseDirectory, "catalog", "catalog.json");
        try
        {
            return Catalog.Parse(File.ReadAllBytes(path));
        }
        catch (CatalogException e)
        {
            throw new ServeException($"The catalog {path} cannot be used.\n{e.Message}");
        }
    }
}
