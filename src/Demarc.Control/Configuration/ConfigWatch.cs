using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Configuration;

/// <summary>
/// Reads the configuration again on SIGHUP (at once) and when the file, a referenced secret, the catalog or a
/// TLS file has changed (within about two seconds). A bad change keeps the last good configuration and is
/// logged with every problem. Run it as a hosted service.
/// </summary>
/// <param name="first">The reading in force, of the same path and sources.</param>
/// <param name="apply">Puts a good reading in force; when it throws, the one before stays.</param>
public sealed partial class ConfigWatch(
    string path,
    ConfigSources sources,
    ConfigResult first,
    Func<DemarcConfig, ConfigResult, Task> apply,
    TimeProvider time,
    ILogger<ConfigWatch> logger) : BackgroundService
{
    private readonly ILogger<ConfigWatch> _logger = logger;
    private readonly FileWatch _watch = new(first.Files, sources.ReadFile, time);

    /// <summary>Told of a change that is not put in force: the hash of the file, and what is wrong with it.</summary>
    public Func<string, string, Task>? Refused { get; init; }

    private string _hash = first.Hash;
    private PosixSignalRegistration? _hangup;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // On Windows the same signal says that the console closes.
        if (!OperatingSystem.IsWindows())
        {
            _hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                _watch.Nudge();
            });
        }
        return base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _hangup?.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _watch.RunAsync(ReloadAsync, stoppingToken);

    private async Task<FileHashes> ReloadAsync()
    {
        var result = ConfigFile.Read(path, sources);
        if (result.Config is null)
        {
            LogKept(path, _hash, ConfigReport.Text(path, result));
            await ReportAsync(result.Hash, ConfigReport.Text(path, result));
            return result.Files;
        }
        try
        {
            await apply(result.Config, result);
            LogApplied(path, _hash, result.Hash);
            _hash = result.Hash;
            if (result.Problems.Count > 0)
                LogWarnings(ConfigReport.Text(path, result));
        }
        catch (Exception e)
        {
            LogNotApplied(e, path, _hash);
            // Exceptions say anything; the process's log has it.
            await ReportAsync(result.Hash, "It could not be applied.");
        }
        return result.Files;
    }

    private async Task ReportAsync(string hash, string problem)
    {
        try
        {
            await (Refused?.Invoke(hash, problem) ?? Task.CompletedTask);
        }
        catch (Exception e)
        {
            LogNotReported(e, path);
        }
    }

    [LoggerMessage(2105, LogLevel.Error, "That {File} cannot be used could not be put on record")]
    private partial void LogNotReported(Exception exception, string file);

    [LoggerMessage(2101, LogLevel.Information, "Configuration {File} reloaded: {Old} is replaced by {New}")]
    private partial void LogApplied(string file, string old, string @new);

    [LoggerMessage(2102, LogLevel.Error, "Configuration {File} cannot be used; {Hash} stays in force.\n{Problems}")]
    private partial void LogKept(string file, string hash, string problems);

    [LoggerMessage(2103, LogLevel.Warning, "The configuration has warnings.\n{Problems}")]
    private partial void LogWarnings(string problems);

    [LoggerMessage(2104, LogLevel.Error, "Configuration {File} could not be applied; {Hash} stays in force")]
    private partial void LogNotApplied(Exception exception, string file, string hash);
}
