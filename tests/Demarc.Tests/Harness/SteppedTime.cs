namespace Demarc.Tests.Harness;

/// <summary>Runs as the clock does, and further when it is stepped.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private TimeSpan _ahead;

    public void Step(TimeSpan by) => _ahead += by;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _ahead;
}
