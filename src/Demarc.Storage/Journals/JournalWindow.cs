namespace Demarc.Storage.Journals;

/// <summary>A span of time in which the store took nothing, and records waited in the journal.</summary>
/// <param name="From">When the store first refused.</param>
/// <param name="To">When it had all that waited.</param>
/// <param name="Records">How many waited.</param>
/// <param name="Organizations">Whose they were.</param>
internal sealed record JournalWindow(DateTimeOffset From, DateTimeOffset To, long Records, string[] Organizations);
