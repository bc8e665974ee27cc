namespace Demarc.Storage.Projections;

/// <summary>What one process at a time does for all.</summary>
internal enum Leadership
{
    /// <summary>Following the log.</summary>
    Projections,

    /// <summary>Sending activities out.</summary>
    Exports,
}

/// <summary>The lead among replicas, held until disposed or lost.</summary>
/// <param name="Held">What holds it: a locked file, or a connection with an advisory lock.</param>
/// <param name="HoldsAsync">Whether it still does; throws or is false when it was lost.</param>
public sealed record Lead(IAsyncDisposable Held, Func<Task<bool>> HoldsAsync) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Held.DisposeAsync();
}
