using Demarc.Control.Exports;
using Xunit;

namespace Demarc.Tests.Exports;

/// <summary>Apart from the others, as it takes as long as a collector is waited for.</summary>
[Trait("suite", "faults")]
public sealed class ExportStallTests
{
    [Fact]
    public async Task A_collector_that_never_answers_is_given_up_and_gets_the_same_again()
    {
        await using var place = await ExportPlace.StartAsync();
        await using var collector = await Collector.StartAsync();
        collector.Moods.Enqueue(async http =>
        {
            // Until the other side hangs up.
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        });
        await place.AppendAsync(3);
        place.Export(new HttpDestination(true, []) { Name = "siem", Url = collector.Url, Place = ExportPlace.Out(), Types = ["test_event"] });

        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Problem: "no answer within 30 s" }]);
        await ExportPlace.UntilAsync(() => collector.Positions.Length == 3);

        Assert.Equal([1L, 2L, 3L], collector.Positions);
    }
}
