using System.Net.Http.Headers;
using Demarc.Control.AdminApi;
using Demarc.Governance.Evidence;

namespace Demarc.Control.Compliance;

/// <summary>
/// <c>…/sessions/local/{session_id}/attachments</c>: the images and documents that the transcript only names. Demarc's own, as the vendor's sessions have
/// none, in the shapes of the files of chats ("Get file metadata", "Download file content"). They open as transcripts do.
/// </summary>
public sealed class AttachmentEndpoints(AttachmentReader reader, SessionAccess access, TimeProvider time)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    private static readonly AdminAnswer NotFound = AdminAnswer.NotFound("Attachment not found: no message that can be shown refers to it.");

    /// <summary><c>{"data":[…],"has_more","first_id","last_id"}</c>, in the order in which they were first said; <c>after_id</c> for what follows.</summary>
    public async Task<AdminAnswer> ListAsync(ComplianceRequest request)
    {
        var query = new ComplianceQuery(request.Query, ["limit", "after_id"]);
        var (limit, after) = (query.Limit(DefaultLimit, MaxLimit), query.Text("after_id"));
        var (opened, refusal) = await access.OpenAsync(query, request, Now);
        if (opened is null)
            return refusal;
        var all = await reader.ListAsync(opened.Session, opened.KeptFrom, opened.Span);
        var start = after is null ? 0 : Array.FindIndex(all, a => a.Of.Id == after) + 1;
        if (after is not null && start == 0)
            return AdminAnswer.Invalid($"There is no attachment \"{ComplianceQuery.Printable(after)}\" in this session to go on after.");
        var data = all[start..Math.Min(all.Length, start + limit)];
        await access.ViewedAsync(request, opened, data.SelectMany(a => a.MessageIds).Distinct().Count());
        return AdminAnswer.Of(new { Data = data.Select(Shape), HasMore = start + data.Length < all.Length, FirstId = data.FirstOrDefault()?.Of.Id, LastId = data.LastOrDefault()?.Of.Id });
    }

    /// <summary>One of them.</summary>
    public Task<AdminAnswer> GetAsync(ComplianceRequest request) => OneAsync(request, (_, attachment) => Task.FromResult(AdminAnswer.Of(Shape(attachment))));

    /// <summary>Its bytes, as the client sent them.</summary>
    public Task<AdminAnswer> ContentAsync(ComplianceRequest request) => OneAsync(request, async (opened, attachment) =>
    {
        await foreach (var (_, bytes) in reader.ContentsAsync(opened.Session, opened.KeptFrom, new HashSet<string> { attachment.Of.Id }))
            return Binary(attachment, bytes);
        return AdminAnswer.NotFound("The attachment is not kept: it was larger than 8 MiB of base64, or its retention has ended.");
    });

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task<AdminAnswer> OneAsync(ComplianceRequest request, Func<OpenedSession, SessionAttachment, Task<AdminAnswer>> answer)
    {
        var query = new ComplianceQuery(request.Query, []);
        var id = request.Path("attachment_id");
        if (!CapturedContent.TryName(id, out _))
            query.Wrong($"\"{ComplianceQuery.Printable(id)}\" is no attachment ID (att_ and 32 hexadecimal digits).");
        var (opened, refusal) = await access.OpenAsync(query, request, Now);
        if (opened is null)
            return refusal;
        if (Array.Find(await reader.ListAsync(opened.Session, opened.KeptFrom, opened.Span), a => a.Of.Id == id) is not { } attachment)
            return NotFound;
        await access.ViewedAsync(request, opened, attachment.MessageIds.Count, id);
        return await answer(opened, attachment);
    }

    private static object Shape(SessionAttachment attachment) => new
    {
        Type = "demarc_session_attachment",
        attachment.Of.Id,
        attachment.Of.Kind,
        Filename = attachment.Of.Title,
        MimeType = attachment.Of.MediaType,
        SizeBytes = attachment.Size,
        Md5 = attachment.Md5 is { } md5 ? Convert.ToHexStringLower(md5) : null,
        CreatedAt = Rfc3339.Text(attachment.At),
        attachment.MessageIds,
    };

    // The type is the client's word: nothing may run it.
    private static AdminAnswer Binary(SessionAttachment attachment, byte[] bytes) => new(200, bytes)
    {
        ContentType = MediaTypeHeaderValue.TryParse(attachment.Of.MediaType, out var type) && attachment.Of.MediaType!.All(char.IsAscii) ? type.ToString() : "application/octet-stream",
        Headers = new Dictionary<string, string>
        {
            ["content-disposition"] = $"attachment; filename*=utf-8''{Uri.EscapeDataString((attachment.Of.Title ?? attachment.Of.Id).Replace('/', '_').Replace('\\', '_'))}",
            ["content-md5"] = Convert.ToBase64String(attachment.Md5!),
            ["x-content-type-options"] = "nosniff",
            ["content-security-policy"] = "sandbox",
        },
    };
}
