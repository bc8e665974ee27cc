using System.Text.Json;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Exports;

/// <summary>A real process that exports, killed while it does.</summary>
[Trait("suite", "faults")]
public sealed class ExportKillTests
{
    private const string Secret = "canary-of-the-collector";

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_kill_in_mid_export_loses_nothing_and_the_command_tells_and_rewinds(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        await using var collector = await Collector.StartAsync();
        var folder = Directory.CreateTempSubdirectory("demarc-export-kill-").FullName;
        var config = Path.Combine(folder, "demarc.yaml");
        await File.WriteAllTextAsync(Path.Combine(folder, "token"), Secret, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(config, $$"""
            store: {{place.Url}}
            exports:
              - { name: soc, to: http, url: "{{collector.Url}}in", headers: { Authorization: "${file:token}" } }
            """, TestContext.Current.CancellationToken);

        // Taken and never answered: what was sent when the process dies.
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        collector.Moods.Enqueue(async http =>
        {
            entered.TrySetResult();
            await held.Task;
            http.Abort();
            return true;
        });
        using (var process = await ServingProcess.StartAsync(config, folder))
        {
            await entered.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            await process.KillAsync();
        }
        held.SetResult();
        // Others wait a minute for a sign of life; here the dead one is made to look that old.
        if (kind == StoreKind.Postgres)
            await place.SqlAsync<object>("UPDATE replicas SET seen_at = seen_at - 120000");

        using var next = await ServingProcess.StartAsync(config, folder);
        try
        {
            var logged = await place.SqlAsync<long>("SELECT count(*) FROM records");
            await ExportPlace.UntilAsync(() => collector.Positions.Distinct().Count() >= logged);
            Assert.Equal(Enumerable.Range(1, (int)logged).Select(i => (long)i), collector.Positions.Distinct().Order().Take((int)logged));
            var types = collector.Events.Select(e => e.GetProperty("metadata").GetProperty("event_code").GetString()).ToHashSet();
            Assert.Superset(new HashSet<string?> { "demarc_gateway_started", "demarc_organization_created", "platform_api_key_created", "demarc_export_started" }, types);

            var status = (await DemarcCommand.JsonAsync(folder, "export", "siem", "status", "--config", config, "--data", folder))[0];
            Assert.Equal(("soc", "http"), (status.GetProperty("name").GetString(), status.GetProperty("kind").GetString()));
            Assert.DoesNotContain(Secret, status.ToString() + next.Output + string.Concat(collector.Taken.Select(t => t.Body)), StringComparison.Ordinal);
            var before = collector.Positions.Count(p => p == 1);
            var moved = await DemarcCommand.JsonAsync(folder, "export", "siem", "rewind", "soc", "--from", "start", "--config", config, "--data", folder);
            Assert.Equal(0, moved.GetProperty("position").GetInt64());
            await ExportPlace.UntilAsync(() => collector.Positions.Count(p => p == 1) > before);
        }
        finally
        {
            await next.KillAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
