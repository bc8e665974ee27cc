namespace Demarc.Governance.Wire;

/// <summary>The form of a Messages body: what the platforms want of it differs in a few members of its object only.</summary>
public enum BodyForm
{
    /// <summary>Anthropic, Foundry, Claude Platform on AWS, Bedrock's Messages endpoint: <c>model</c> and <c>stream</c> in the body, betas in the header.</summary>
    Anthropic,

    /// <summary>Bedrock InvokeModel: model and stream in the path, <c>anthropic_version</c> and <c>anthropic_beta</c> in the body.</summary>
    Bedrock,

    /// <summary>Google Cloud: model in the path, <c>stream</c> and <c>anthropic_version</c> in the body.</summary>
    Vertex,
}

/// <summary>What the route tells the scanner.</summary>
/// <param name="Model">The model that the path names; null where the body has to.</param>
/// <param name="Stream">Whether the path asks for a stream; null where the body says.</param>
public readonly record struct ScanOptions(BodyForm Form, string? Model = null, bool? Stream = null);

/// <summary>A member of the body's own object.</summary>
/// <param name="At">From the quote that opens its name to the end of its value.</param>
/// <param name="Value">Its value.</param>
/// <param name="PreviousEnd">Where the member before it ends; -1 for the first.</param>
/// <param name="NextStart">Where the member behind it starts; -1 for the last.</param>
public readonly record struct Member(Slice At, Slice Value, int PreviousEnd, int NextStart)
{
    public bool IsEmpty => At.IsEmpty;
}
