using Demarc.Control.AdminApi;
using Demarc.Governance;
using Demarc.Governance.Policy;

namespace Demarc.Control.Compliance;

/// <summary><c>GET /v1/me</c>: who the caller is here, and what is recorded about them.</summary>
public sealed class MeEndpoints(ISnapshotSource snapshots, TimeProvider time)
{
    private const string Always =
        "Of each request: who asked, with which key, from which address and with which client; the model, where it ran and under which rules; sizes, tokens, cost and times.";

    /// <summary><c>{"type":"me","id","email_address","groups","workspace_id","capture","transcripts_kept_days","recorded":[…]}</c>, as policies have it now for requests outside of any project.</summary>
    public Task<AdminAnswer> Get(ComplianceRequest request)
    {
        var principal = request.Principal;
        var capture = snapshots.Current.CaptureOf(principal, time.GetUtcNow());
        return Task.FromResult(AdminAnswer.Of(new
        {
            Type = "me",
            principal.Id,
            EmailAddress = principal.Email,
            principal.Groups,
            WorkspaceId = principal.Workspace?.Id,
            Capture = capture switch { CaptureMode.Full => "full", CaptureMode.Metadata => "metadata", _ => "none" },
            TranscriptsKeptDays = (int)snapshots.Current.TranscriptsKept(principal).TotalDays,
            Recorded = new[] { Always, OfContent(capture) },
        }));
    }

    private static string OfContent(CaptureMode capture) => capture switch
    {
        CaptureMode.Full => "The conversation too, sealed: prompts, answers, tool calls and their results. You see yours at /v1/me/sessions; others open it through an approved review or with a compliance key that is exempt from one for a time, and each reading is on record.",
        CaptureMode.Metadata => "Nothing of the conversation itself.",
        _ => "Nothing of the conversation itself; your sessions are listed nowhere.",
    };
}
