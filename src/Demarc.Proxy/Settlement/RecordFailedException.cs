namespace Demarc.Proxy.Settlement;

/// <summary>The store did not take a record: the answer it belongs to must not be released (law 3).</summary>
internal sealed class RecordFailedException(Exception inner) : Exception("The store did not take a record: " + inner.Message, inner);
