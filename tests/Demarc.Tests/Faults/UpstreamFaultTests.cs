using Demarc.Simulator.Scripts;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>A provider that fails in each way there is, under load, and works again.</summary>
[Trait("suite", "faults")]
public sealed class UpstreamFaultTests
{
    private const int Runs = 5;

    [Fact]
    public async Task No_fault_of_the_provider_loses_an_answer()
    {
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Replicas = 2 });
        foreach (var (name, fault) in new (string, ScriptFault)[]
        {
            ("reset before headers", new() { Kind = FaultKind.ResetBeforeHeaders }),
            ("reset in mid stream", new() { Kind = FaultKind.ResetMidStream, AfterEvents = 3 }),
            ("answer cut short", new() { Kind = FaultKind.Truncate, AfterEvents = 3 }),
            ("error event", new() { Kind = FaultKind.ErrorEvent, AfterEvents = 3 }),
            ("overloaded", new() { Kind = FaultKind.Overloaded }),
            ("server error", new() { Kind = FaultKind.ServerError }),
            ("silence before headers", new() { Kind = FaultKind.SilenceBeforeHeaders, DurationMs = 1000 }),
            ("silence in mid stream", new() { Kind = FaultKind.Silence, AfterEvents = 3, DurationMs = 1000 }),
            ("trickle", new() { Kind = FaultKind.Trickle, DurationMs = 1 }),
        })
        {
            place.Simulator.Log.Clear();
            await using var callers = place.Call(8);
            for (var run = 0; run < Runs; run++)
            {
                place.Simulator.Script.Set(new ScriptRule { Fault = fault });
                await callers.TurnsAsync(16);
                place.Simulator.Script.Clear();
                await callers.MoreAsync(16);
            }
            await place.HoldsAsync($"provider: {name}", Runs, callers);
        }
    }
}
