namespace Demarc.Storage;

/// <summary>The store cannot be opened or written; the message says why and what to do about it.</summary>
public sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The log already holds another record of that kind for the request: it begins once and finishes once.
/// A request that was declared orphaned, and finished as <c>interrupted</c>, cannot be finished again.
/// </summary>
public sealed class AlreadyRecordedException() : Exception("The log already holds that record of the request.");
