using System.CommandLine;
using System.Data.Common;
using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Serving;
using Demarc.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demarc.Commands;

/// <summary>What a command works with: its arguments, its output, and the installation, opened when it is asked for.</summary>
internal sealed class CommandContext(ParseResult parsed) : IAsyncDisposable
{
    private static readonly Option<string?> Config = new("--config") { Description = "The configuration file (YAML); default DATA/quickstart.yaml" };
    private static readonly Option<string> Data = new("--data") { Description = "Where the embedded store and the master key are", DefaultValueFactory = _ => "data" };
    private static readonly Option<bool> Json = new("--json") { Description = "Print JSON" };

    private Installation? _installation;
    private InstallationFiles? _files;

    /// <summary>The options of every command on an installation.</summary>
    public static IReadOnlyList<Option> Options { get; } = [Config, Data, Json];

    public Output Output { get; } = new(parsed.GetValue(Json));

    public TimeProvider Time { get; } = TimeProvider.System;

    public DateOnly Today => DateOnly.FromDateTime(Time.GetUtcNow().UtcDateTime);

    /// <summary>The person at the command line, as the operating system names them.</summary>
    public ActorRecord Actor { get; } = new("cli", Environment.UserName);

    /// <summary>The configuration and its catalog.</summary>
    public InstallationFiles Files => _files ??= InstallationFiles.Load(
        ConfigPath ?? throw new CommandException($"There is no {Quickstart.ConfigurationIn(DataDirectory)}. Pass --config FILE, or --data DIR of an installation that was started without one."),
        DataDirectory);

    /// <summary>The configuration's catalog; without a configuration, the one that came with the program.</summary>
    public Catalog Catalog => ConfigPath is null ? InstallationFiles.LoadCatalog(null) : Files.Catalog;

    private string DataDirectory => parsed.GetValue(Data)!;

    private string? ConfigPath =>
        parsed.GetValue(Config) ?? (File.Exists(Quickstart.ConfigurationIn(DataDirectory)) ? Quickstart.ConfigurationIn(DataDirectory) : null);

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    /// <summary>Whether an option was given, with a value or without.</summary>
    public bool Has(Option option) => parsed.GetResult(option) is not null;

    public T Get<T>(Argument<T> argument) => parsed.GetRequiredValue(argument);

    /// <summary>The installation, which has to be there: a listing of a store made just now would hide a wrong --data.</summary>
    public Task<Installation> OpenAsync() => OpenAsync(mayMake: false);

    /// <summary>The installation, made when there is none.</summary>
    public Task<Installation> OpenOrMakeAsync() => OpenAsync(mayMake: true);

    /// <summary>The installation; null while there is no store yet.</summary>
    public async Task<Installation?> FindAsync() =>
        Files.Config.Store is SqliteStoreConfig { Path: var path } && !File.Exists(path) ? null : await OpenAsync();

    /// <summary>The configuration's snapshot with what was checked of its deployments, as far as there is a store that can be asked.</summary>
    public async Task<GatewaySnapshot> CheckedSnapshotAsync()
    {
        if (Files.Config.Store is SqliteStoreConfig { Path: var path } && !File.Exists(path))
            return Files.Snapshot;
        try
        {
            var installation = await OpenAsync();
            return Files.Snapshot.Checked(await installation.Store.Boundaries.ChecksAsync(installation.Organization.Id));
        }
        catch (Exception e) when (e is StoreException or ServeException or DbException)
        {
            await Console.Error.WriteLineAsync($"What was verified is not shown, as the store cannot be asked: {e.Message}");
            return Files.Snapshot;
        }
    }

    /// <summary>Refuses what the configuration has a second administrator approve: at the command line nobody knows who is who.</summary>
    /// <param name="kind">As <c>approvals</c> has it.</param>
    public void NeedsNoSecond(string kind)
    {
        if (Files.Config.Approvals.Contains(kind))
            throw new CommandException($"The configuration has a second administrator approve changes of {kind} (approvals): ask for this one over the Admin API, where whoever asks and whoever approves are known.");
    }

    public ValueTask DisposeAsync() => _installation?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task<Installation> OpenAsync(bool mayMake)
    {
        if (!mayMake && Files.Config.Store is SqliteStoreConfig { Path: var path } && !File.Exists(path))
            throw new CommandException($"There is no store at {path} yet: demarc serve makes it, and so does demarc user create. If yours is elsewhere, pass --data DIR.");
        return _installation ??= await Installation.OpenAsync(Files, Time, NullLoggerFactory.Instance, Actor);
    }
}
