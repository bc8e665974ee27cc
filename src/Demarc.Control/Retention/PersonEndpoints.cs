using System.IO.Compression;
using Demarc.Control.AdminApi;
using Demarc.Control.Compliance;
using Demarc.Control.Proofs;
using Demarc.Control.Resources;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Storage.Retention;
using Demarc.Storage.Reviews;
using Microsoft.AspNetCore.Http.Features;

namespace Demarc.Control.Retention;

/// <summary><c>/v1/organizations/users/{id}/data_export</c> and <c>…/erasure</c>: what the law lets a person ask for.</summary>
public sealed class PersonEndpoints(
    Store store, ErasureJournal journal, LogSigner signer, Snapshots snapshots, SecondAdministrator second, DataPaths paths, TranscriptReader transcripts, AttachmentReader attachments)
{
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no user with this id. GET /v1/organizations/users lists them.");

    /// <summary><c>{reason, review_id?}</c>: a ZIP of all that is kept, with <c>report.json</c>, signed. What was said is in it under a review of whoever asks.</summary>
    public async Task<AdminAnswer> ExportAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "reason", "review_id");
        var reason = body.Required("reason", HoldEndpoints.TextProblem);
        var reviewId = body.Text("review_id");
        if (await FindAsync(request) is not { } user)
            return body.Problem ?? Unknown;
        var review = reviewId is null ? null : Array.Find(await store.Reviews.OfReaderAsync(request.OrganizationId, request.Principal.Id), r => r.Id == reviewId);
        if (reviewId is not null && review is null)
            body.Wrong("review_id", "there is no review of this id in which you are the reader and that is open.");
        else if (review is not null && PersonExport.ReviewProblem(review, user.Id, store.Time.GetUtcNow().ToUnixTimeMilliseconds()) is { } problem)
            body.Wrong("review_id", problem);
        return body.Problem ?? new AdminAnswer(200, null)
        {
            ContentType = "application/zip",
            Headers = new Dictionary<string, string> { ["content-disposition"] = $"attachment; filename={user.Id}.zip" },
            WriteAsync = (output, stop) => WriteAsync(output, user, reason, review, request, stop),
        };
    }

    /// <summary><c>{reason, records?}</c>: erases, for good, and answers the signed report. 202 where a second administrator approves it first.</summary>
    public async Task<AdminAnswer> EraseAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "reason", "records");
        var (reason, records) = (body.Required("reason", HoldEndpoints.TextProblem), body.Flag("records"));
        if (await FindAsync(request) is not { } user || body.Problem is not null)
            return body.Problem ?? Unknown;
        if (user.Id == request.Principal.Id)
            return new(403, null, "permission_error", "Nobody erases themselves: another administrator does.");
        if (snapshots.Current.Roles.Find(user.Role) is { } role && !request.Principal.Access.MayGive(role))
            return new(403, null, "permission_error", $"Nobody erases somebody who may do more than they: this person is {user.Role}.");
        if (await second.HoldAsync(request, "erasures", $"erase {user.Email}, for good{(records ? ", with the records of the log" : "")}: {reason}") is { } held)
            return held;
        // Begun, it goes to its end, whether or not anybody waits for the report.
        var report = await new PersonErasing(store, journal).RunAsync(new PersonErasureRequest(user, reason, records, request.Approved), request.Actor, CancellationToken.None);
        return new AdminAnswer(200, await signer.SignAsync(request.OrganizationId, report));
    }

    private async Task WriteAsync(Stream output, User user, string reason, Review? review, AdminRequest request, CancellationToken stop)
    {
        // The archive writes what closes an entry without waiting, a few bytes each.
        if (request.Http.HttpContext.Features.Get<IHttpBodyControlFeature>() is { } control)
            control.AllowSynchronousIO = true;
        await using var zip = await ZipArchive.CreateAsync(output, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, stop);
        var export = new PersonExport(store, paths, transcripts, attachments, OpenAsync);
        var report = await signer.SignAsync(user.OrganizationId, await export.RunAsync(user, reason, request.Actor, review));
        await using var file = await OpenAsync(PersonExport.ReportFile);
        await file.WriteAsync(report, stop);

        Task<Stream> OpenAsync(string name) => zip.CreateEntry(name).OpenAsync(stop);
    }

    private async Task<User?> FindAsync(AdminRequest request) =>
        request.Path("id") is var id && Ids.TryParse(Ids.User, id, out _) ? await store.Users.GetAsync(request.OrganizationId, id) : null;
}
