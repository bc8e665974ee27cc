using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Compliance;

/// <summary>Images and documents of a session come back as they were sent, to whom the transcript opens.</summary>
public sealed class AttachmentEndpointTests
{
    private static readonly byte[] Picture = RandomNumberGenerator.GetBytes(1000);
    private static readonly byte[] Paper = RandomNumberGenerator.GetBytes(2000);

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_a_session_carries_comes_back_byte_for_byte_and_each_view_is_on_record(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        var (session, picture, paper) = await SessionAsync(place);
        var list = $"{Sessions}/{session}/attachments";
        var messages = (await place.GetAsync($"{Sessions}/{session}/messages")).Data().Where(m => m.Text("role") == "user" && m.GetProperty("provenance").ValueKind == JsonValueKind.Null).Select(m => m.Text("id")).ToArray();

        Assert.Equal(("demarc_session_attachment", "image", "image/png", 1000), (picture.Text("type"), picture.Text("kind"), picture.Text("mime_type"), picture.GetProperty("size_bytes").GetInt32()));
        Assert.Equal(("document", "a/b \"ü\".pdf", Convert.ToHexStringLower(Md5(Paper))), (paper.Text("kind"), paper.Text("filename"), paper.Text("md5")));
        Assert.Equal(messages, picture.GetProperty("message_ids").EnumerateArray().Select(m => m.GetString()));
        Assert.Equal(messages[1..], paper.GetProperty("message_ids").EnumerateArray().Select(m => m.GetString()));
        Assert.Equal(picture.GetRawText(), (await place.GetAsync($"{list}/{picture.Text("id")}")).GetRawText());
        var page = await place.GetAsync($"{list}?limit=1");
        Assert.True(page.GetProperty("has_more").GetBoolean());
        Assert.Equal(paper.Text("id"), Assert.Single((await place.GetAsync($"{list}?limit=1&after_id={page.Text("last_id")}")).Data()).Text("id"));

        foreach (var (attachment, bytes, type, name) in new[] { (picture, Picture, "image/png", picture.Text("id")!), (paper, Paper, "application/pdf", "a_b%20%22%C3%BC%22.pdf") })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{list}/{attachment.Text("id")}/content");
            request.Headers.Add("x-api-key", place.Keys["compliance_key"]);
            using var response = await place.Client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            Assert.Equal(type, response.Content.Headers.ContentType!.ToString());
            Assert.Equal(Md5(bytes), response.Content.Headers.ContentMD5);
            Assert.Equal($"attachment; filename*=utf-8''{name}", response.Content.Headers.NonValidated["content-disposition"].ToString());
            Assert.Equal("nosniff", response.Headers.GetValues("x-content-type-options").Single());
        }
        // A transcript, four lists, one object and two contents.
        var views = await place.ActivitiesAsync(7, "demarc_content_viewed");
        Assert.Equal(["exempt"], views.Select(v => v.Text("reason_code")).Distinct());
        Assert.Equal(
            [paper.Text("id"), picture.Text("id"), picture.Text("id")],
            views.Where(v => v.TryGetProperty("attachment_id", out _)).Select(v => v.Text("attachment_id")));
    }

    [Fact]
    public async Task A_picture_of_a_few_bytes_is_listed_as_any_other()
    {
        await using var place = await ProxyPlace.StartAsync();
        var dot = Picture[..9];
        await place.AskAsync("s1", $$$"""{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"{{{Convert.ToBase64String(dot)}}}"}},{"type":"text","text":"look"}]}""");
        await place.ActivitiesAsync(1, "demarc_inference");
        var session = Assert.Single((await place.GetAsync(Sessions)).Data()).Text("id")!;

        var listed = Assert.Single((await place.GetAsync($"{Sessions}/{session}/attachments")).Data());

        Assert.Equal(("image", 9, Convert.ToHexStringLower(Md5(dot))), (listed.Text("kind"), listed.GetProperty("size_bytes").GetInt32(), listed.Text("md5")));
    }

    [Fact]
    public async Task Attachments_open_with_a_review_or_to_their_own_person_and_bad_names_are_told()
    {
        await using var place = await ProxyPlace.StartAsync();
        var (session, picture, _) = await SessionAsync(place);
        var (list, id) = ($"{Sessions}/{session}/attachments", picture.Text("id")!);
        var closed = await place.NewComplianceKeyAsync(exempt: null);
        foreach (var path in new[] { list, $"{list}/{id}", $"{list}/{id}/content" })
        {
            Assert.Equal((403, "permission_error"), ((await place.RefusedAsync(path, closed)).Status, (await place.RefusedAsync(path, closed)).Type));
            Assert.Equal(401, (await place.RefusedAsync(path, "developer_key")).Status);
        }
        var mine = $"/v1/me/sessions/{session}/attachments";
        Assert.Equal(2, (await place.GetAsync(mine, "developer_key")).Data().Length);
        using (var request = new HttpRequestMessage(HttpMethod.Get, $"{mine}/{id}/content"))
        {
            request.Headers.Add("x-api-key", place.Keys["developer_key"]);
            using var response = await place.Client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(Picture, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal((400, "\"att_1\" is no attachment ID (att_ and 32 hexadecimal digits)."), ((await place.RefusedAsync($"{list}/att_1/content")).Status, (await place.RefusedAsync($"{list}/att_1/content")).Message));
        Assert.Equal(404, (await place.RefusedAsync($"{list}/att_{new string('0', 32)}/content")).Status);
        Assert.Equal(404, (await place.RefusedAsync($"{Sessions}/{Demarc.Governance.Identity.Ids.From("clls_", Guid.CreateVersion7())}/attachments")).Status);
        Assert.Equal(400, (await place.RefusedAsync($"{list}?limit=0")).Status);
        Assert.Equal(400, (await place.RefusedAsync($"{list}?after_id=att_none")).Status);
    }

    // The vendor's contract, and no secret.
#pragma warning disable CA5351
    private static byte[] Md5(byte[] bytes) => MD5.HashData(bytes);
#pragma warning restore CA5351

    // A picture that is sent twice, and a paper in a tool's result.
    private static async Task<(string Session, JsonElement Picture, JsonElement Paper)> SessionAsync(ProxyPlace place)
    {
        var image = $$$"""{"type":"image","source":{"type":"base64","media_type":"image/png","data":"{{{Convert.ToBase64String(Picture)}}}"}}""";
        var document = $$$"""{"type":"document","title":"a/b \"ü\".pdf","source":{"type":"base64","media_type":"application/pdf","data":"{{{Convert.ToBase64String(Paper)}}}"}}""";
        var first = $$"""{"role":"user","content":[{{image}},{"type":"text","text":"look"}]}""";
        await place.AskAsync("s1", first);
        await place.AskAsync("s1", $$$"""{{{first}}},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"Read","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{{{document}}},{{{image}}}]}]}""");
        await place.ActivitiesAsync(2, "demarc_inference");
        var session = Assert.Single((await place.GetAsync(Sessions)).Data()).Text("id")!;
        var attachments = (await place.GetAsync($"{Sessions}/{session}/attachments")).Data();
        Assert.Equal(2, attachments.Length);
        return (session, attachments[0], attachments[1]);
    }
}
