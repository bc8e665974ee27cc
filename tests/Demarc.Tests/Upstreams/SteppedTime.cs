namespace Demarc.Tests.Upstreams;

/// <summary>The system's clock, put forward by a test.</summary>
public sealed class SteppedTime : TimeProvider
{
    public TimeSpan Ahead { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
}
