using System.Net;
using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Increases;

/// <summary>
/// The page behind the link of a refusal at a person's limit: a form that opens a request for more. The link says who asks; it
/// was shown to that person alone.
/// </summary>
public sealed class IncreasePage(Store store, IncreaseLinks links)
{
    private const int MostReason = 500;
    private const int MostForm = 16 << 10;

    public Task ShowAsync(HttpContext http) => links.Read(http.Request.Query["t"].ToString(), store.Time.GetUtcNow()) is { } ask
        ? WriteAsync(http, 200, "Ask for more", $"""
            <p>Your {ask.Period.Wire()} spend limit is reached. Your administrators see this request and decide on it.</p>
            <form method="post" action="{IncreaseLinks.Path}">
            <input type="hidden" name="t" value="{WebUtility.HtmlEncode(http.Request.Query["t"].ToString())}">
            <p><label>What is it for? <input name="reason" maxlength="{MostReason}" size="60"></label></p>
            <p><button>Ask for more</button></p>
            </form>
            """)
        : GoneAsync(http);

    public async Task AskAsync(HttpContext http)
    {
        if (!http.Request.HasFormContentType || http.Request.ContentLength is not <= MostForm)
        {
            await GoneAsync(http);
            return;
        }
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        if (links.Read(form["t"].ToString(), store.Time.GetUtcNow()) is not { } ask)
        {
            await GoneAsync(http);
            return;
        }
        var reason = new string([.. form["reason"].ToString().Where(c => !char.IsControl(c)).Take(MostReason)]);
        var actor = new ActorRecord(ask.PrincipalId.StartsWith("user_", StringComparison.Ordinal) ? "user" : "service_account", ask.PrincipalId, IpAddress: http.Connection.RemoteIpAddress?.ToString());
        var opened = await store.IncreaseRequests.OpenAsync(ask, reason, actor);
        await (opened is null
            ? WriteAsync(http, 409, "Not now", "<p>Your last request was denied less than 30 days ago. Talk to your administrator.</p>")
            : WriteAsync(http, 200, "Asked", $"<p>Your request {WebUtility.HtmlEncode(opened.Id)} is with your administrators.</p>"));
    }

    private static Task GoneAsync(HttpContext http) =>
        WriteAsync(http, 404, "No such link", "<p>This link is not valid, or older than a week. The message of your next refusal has a new one.</p>");

    private static async Task WriteAsync(HttpContext http, int status, string title, string body)
    {
        var response = http.Response;
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        response.Headers.ContentSecurityPolicy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        // The link is a secret of the person's.
        response.Headers["referrer-policy"] = "no-referrer";
        response.Headers.XContentTypeOptions = "nosniff";
        await response.WriteAsync($"<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n<h1>{title}</h1>\n{body}\n</html>\n", Encoding.UTF8, http.RequestAborted);
    }
}
