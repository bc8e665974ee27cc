using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Evidence;

/// <summary>Where a message's content came from.</summary>
public enum Provenance
{
    /// <summary>Captured: what the user sent, or what the model answered. <c>null</c> on the wire.</summary>
    Verified,

    /// <summary>Content that cannot be shown; the message is empty.</summary>
    ContentUnavailable,

    /// <summary>An assistant message that the client supplied and that matches no captured answer.</summary>
    ClientAsserted,

    /// <summary>A note of the transcript itself.</summary>
    SyntheticMarker,
}

/// <summary>One message of a transcript, in the shape of <c>compliance_local_session_message</c>.</summary>
public sealed class TranscriptMessage
{
    private readonly JsonElement _content;
    private readonly string? _note;
    private readonly IReadOnlyDictionary<string, string> _toolNames;
    private readonly bool _thinking;

    internal TranscriptMessage(
        TranscriptRequest request, int slot, string role, Provenance provenance, JsonElement content, IReadOnlyDictionary<string, string> toolNames,
        string? note = null, string? reason = null, bool thinking = false)
    {
        _thinking = thinking;
        (Request, Slot, Role, Provenance, Reason) = (request.Id, slot, role, provenance, reason);
        (_content, _note, _toolNames) = (content, note, toolNames);
        At = request.At;
    }

    /// <summary>The request that brought it.</summary>
    public Guid Request { get; }

    /// <summary>Its place within that request; rises, with gaps, and never depends on other requests.</summary>
    public int Slot { get; }

    /// <summary><c>clsm_…</c>, the same at every reading.</summary>
    public string Id => IdOf(Request, Slot);

    /// <summary><c>user</c> or <c>assistant</c>.</summary>
    public string Role { get; }

    /// <summary>Unix milliseconds.</summary>
    public long At { get; }

    public Provenance Provenance { get; }

    /// <summary>One of <see cref="UnavailableReason"/>; null but for <see cref="Provenance.ContentUnavailable"/>.</summary>
    public string? Reason { get; }

    /// <summary>What it carries beside text, in the order in which it stands.</summary>
    public IEnumerable<TranscriptAttachment> Attachments => TranscriptContent.Attachments(_content);

    /// <summary>The blocks to show, cut to the limits.</summary>
    public IReadOnlyList<TranscriptBlock> Blocks(TranscriptLimits limits)
    {
        var blocks = new List<TranscriptBlock>();
        if (_note is not null)
            blocks.Add(new TextBlock($"[{_note}]", Truncated: true));
        TranscriptContent.Read(_content, limits, _toolNames, _thinking, blocks);
        return blocks;
    }

    private static string IdOf(Guid request, int slot)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{request:N}/{slot}"));
        return Ids.From(Ids.Message, new Guid(hash.AsSpan(0, 16), bigEndian: true));
    }
}

/// <summary>An image, a document or the like, as a message refers to it.</summary>
/// <param name="Id"><c>att_…</c>, within the session; as the client wrote it where the client made it up.</param>
/// <param name="Kind">The type of its block: <c>image</c>, <c>document</c>, ….</param>
/// <param name="MediaType">As the client has it.</param>
public sealed record TranscriptAttachment(string Id, string Kind, string? MediaType, string? Title);

/// <summary>How many bytes of each tool block to show; 1 to <see cref="Max"/>.</summary>
/// <param name="ToolInputBytes">Of a tool's input.</param>
/// <param name="ToolResultBytes">Of each text in a tool's result.</param>
public sealed record TranscriptLimits(int ToolInputBytes = TranscriptLimits.Default, int ToolResultBytes = TranscriptLimits.Default)
{
    /// <summary>The documented default of both parameters.</summary>
    public const int Default = 10_000;

    /// <summary>The bound of any string: 1 MiB.</summary>
    public const int Max = 1 << 20;
}

/// <summary>A block of a message.</summary>
public abstract record TranscriptBlock;

/// <param name="Truncated">Cut, without what it carried beside text, or standing in for something not shown.</param>
public sealed record TextBlock(string Text, bool Truncated) : TranscriptBlock;

/// <param name="Input">JSON; no longer JSON when truncated.</param>
public sealed record ToolUseBlock(string? Id, string Name, string Input, bool Truncated) : TranscriptBlock;

/// <param name="Name">The tool that was called; <c>unknown</c> when the call is not in the transcript.</param>
public sealed record ToolResultBlock(string? ToolUseId, string Name, bool IsError, IReadOnlyList<string> Texts, bool Truncated) : TranscriptBlock;
