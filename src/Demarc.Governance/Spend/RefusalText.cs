namespace Demarc.Governance.Spend;

/// <summary>What an organization adds to a refusal at a limit, so that people know what to do.</summary>
/// <param name="Text">A sentence; null for none.</param>
/// <param name="Link">Where to ask for more; null for none.</param>
public sealed record RefusalText(string? Text, Uri? Link)
{
    public static readonly RefusalText None = new(null, null);

    /// <summary>The message with the text and the link behind it.</summary>
    /// <param name="ask">The link where <see cref="Link"/> names none.</param>
    public string Append(string message, Uri? ask = null) =>
        $"{message}{(Text is null ? "" : " " + Text)}{(Link is not null ? " " + Link : ask is not null ? " Ask for more: " + ask : "")}";
}
