namespace Demarc.Governance.Evidence;

/// <summary>A captured request on which later ones of its session may build, by the names of its messages.</summary>
/// <param name="System">Of its system prompt; zero for none, or one that is not known.</param>
/// <param name="Messages">With its answer.</param>
internal sealed record SessionTip(Guid Request, UInt128 System, UInt128[] Messages)
{
    /// <summary>The name of a message that is not known any more: its content has been erased, or was never kept.</summary>
    public static UInt128 Unknown => default;

    private readonly bool _hasUnknown = Messages.AsSpan().Contains(Unknown);

    /// <summary>How many leading messages a request shares with it. One that is not known may be any, where a known one that is shared follows.</summary>
    public int Shared(ReadOnlySpan<UInt128> messages)
    {
        var shared = messages.CommonPrefixLength(Messages);
        if (!_hasUnknown)
            return shared;
        for (var i = shared; i < Math.Min(messages.Length, Messages.Length); i++)
        {
            if (Messages[i] == messages[i])
                shared = i + 1;
            else if (Messages[i] != Unknown)
                break;
        }
        return shared;
    }
}
