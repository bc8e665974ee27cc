using System.Diagnostics;
using Demarc.Storage;
using Demarc.Storage.Projections;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Demarc.Tests.Storage;

[Trait("suite", "faults")]
public class CrashTests
{
    private const string UrlVariable = "DEMARC_TEST_STORE";
    private const string ServesVariable = "DEMARC_TEST_SERVES";
    private const string AcknowledgedVariable = "DEMARC_TEST_ACKNOWLEDGED";

    // One that serves from SQLite acknowledges what its journal has.
    [Theory, InlineData(StoreKind.Sqlite, true), InlineData(StoreKind.Sqlite, false), InlineData(StoreKind.Postgres, true)]
    public async Task What_was_acknowledged_survives_a_kill(StoreKind kind, bool serves)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var acknowledged = Path.GetTempFileName();
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "-explicit", "only", "-method", $"{typeof(CrashTests).FullName}.{nameof(Append_until_killed)}" })
            start.ArgumentList.Add(argument);
        start.Environment[UrlVariable] = place.Url;
        start.Environment[AcknowledgedVariable] = acknowledged;
        start.Environment[ServesVariable] = serves ? "1" : null;
        using var child = Process.Start(start)!;
        child.OutputDataReceived += (_, _) => { };
        child.BeginOutputReadLine();

        while (new FileInfo(acknowledged) is { Length: < 2000 * 37 })
        {
            Assert.False(child.HasExited);
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
        // SIGKILL, in the middle of whatever it does.
        child.Kill();
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);

        // A last line may be cut: its write was not complete, so nothing was promised.
        var lines = (await File.ReadAllTextAsync(acknowledged, TestContext.Current.CancellationToken)).Split('\n')[..^1];
        var store = await place.OpenAsync();
        var kept = (await place.LogAsync(store)).Select(r => new Guid(r.RequestId, bigEndian: true)).ToHashSet();
        Assert.True(lines.Length >= 2000);
        Assert.DoesNotContain(lines.Select(Guid.Parse), id => !kept.Contains(id));
        Assert.Equal(kept.Count, await place.SqlAsync<long>("SELECT count(*) FROM records"));
        File.Delete(acknowledged);
    }

    /// <summary>The other process of the test above: no test of its own, so it runs only when asked for by name.</summary>
    [Fact(Explicit = true)]
    public async Task Append_until_killed()
    {
        var url = Environment.GetEnvironmentVariable(UrlVariable);
        Assert.SkipWhen(url == null, "Started by another test.");
        var store = await Store.OpenAsync(url!, StorePlace.Master, TimeProvider.System, NullLoggerFactory.Instance);
        if (Environment.GetEnvironmentVariable(ServesVariable) is not null)
            await store.LeadAsync(Leadership.Projections, TestContext.Current.CancellationToken);
        await using var acknowledged = new FileStream(
            Environment.GetEnvironmentVariable(AcknowledgedVariable)!, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, 0);
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            while (true)
            {
                var record = StorePlace.Event("org_1");
                await store.AppendAsync(record);
                lock (acknowledged)
                    acknowledged.Write(System.Text.Encoding.ASCII.GetBytes($"{record.RequestId:D}\n"));
            }
        }));
    }
}
