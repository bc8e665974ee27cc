using System.Text.Json;
using Demarc.Control.Compliance;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Compliance;

public sealed class TranscriptEndpointTests
{
    private static readonly ScriptRule[] Tools =
    [
        new() { Times = 1, Thinking = "Which file?", Text = "Let me read it.", ToolUse = new ScriptToolUse("Read", JsonElement.Parse("""{"file_path":"a.txt"}""")) },
        new() { Times = 1, Text = "It says hello.", Deltas = 3 },
    ];

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_session_with_tools_reads_back_as_it_was_said(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind, rules: Tools);
        const string common = """ "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],"thinking":{"type":"adaptive"},"metadata":{},"tools":[{"name":"Read","input_schema":{"type":"object"}}],""";
        var first = (await place.AskAsync("s1", User("What does a.txt say?"), common)).GetProperty("content");
        var tool = first.EnumerateArray().Single(b => b.Text("type") == "tool_use");
        var result = $$$"""{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{{tool.Text("id")}}}","content":"hello","cache_control":{"type":"ephemeral"}}]}""";
        var second = $$"""{{User("What does a.txt say?")}},{"role":"assistant","content":{{first.GetRawText()}}},{{result}}""";
        await place.AskAsync("s1", second, common + "\"stream\":true,");

        await place.ActivitiesAsync(2, "demarc_inference");
        var session = Assert.Single((await place.GetAsync(Sessions)).Data());
        var transcript = await place.GetAsync($"{Sessions}/{session.Text("id")}/messages");

        Assert.Equal("claude_code", session.Text("product_surface"));
        Assert.Equal("developer@demarc.example", session.GetProperty("user").Text("email_address"));
        Assert.Equal(JsonValueKind.Null, transcript.GetProperty("session").GetProperty("user").GetProperty("email_address").ValueKind);
        Assert.Equal(JsonValueKind.Null, transcript.GetProperty("next_page").ValueKind);
        Assert.Equal(session.GetRawText(), (await place.GetAsync($"{Sessions}/{session.Text("id")}")).GetRawText());
        var messages = transcript.Data();
        Assert.Equal(["user", "user", "assistant", "user", "assistant"], messages.Select(m => m.Text("role")));
        Assert.Equal("synthetic_marker", messages[0].GetProperty("provenance").Text("type"));
        Assert.All(messages[1..], m => Assert.Equal(JsonValueKind.Null, m.GetProperty("provenance").ValueKind));
        Assert.All(messages, m => Assert.Equal("compliance_local_session_message", m.Text("type")));
        Assert.Equal("""[{"type":"text","text":"[system prompt content not shown]","truncated":true}]""", messages[0].GetProperty("content").GetRawText());
        Assert.Equal("""[{"type":"text","text":"What does a.txt say?","truncated":false}]""", messages[1].GetProperty("content").GetRawText());
        Assert.Equal(
            $$"""[{"type":"text","text":"Let me read it.","truncated":false},{"type":"tool_use","id":"{{tool.Text("id")}}","name":"Read","input":"{\"file_path\":\"a.txt\"}","truncated":false}]""",
            messages[2].GetProperty("content").GetRawText());
        Assert.Equal(
            $$"""[{"type":"tool_result","tool_use_id":"{{tool.Text("id")}}","name":"Read","is_error":false,"content":[{"type":"text","text":"hello"}],"truncated":false}]""",
            messages[3].GetProperty("content").GetRawText());
        Assert.Equal("""[{"type":"text","text":"It says hello.","truncated":false}]""", messages[4].GetProperty("content").GetRawText());
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Pages_of_messages_hold_each_once_in_both_orders(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        var history = User("0");
        for (var turn = 1; turn <= 5; turn++)
        {
            var answer = await place.AskAsync("s1", history);
            history += $$""",{"role":"assistant","content":{{answer.GetProperty("content").GetRawText()}}},{{User($"{turn}")}}""";
        }
        await place.ActivitiesAsync(5, "demarc_inference");
        var url = $"{Sessions}/{(await place.GetAsync(Sessions)).Data()[0].Text("id")}/messages";

        var whole = (await place.GetAsync(url)).Data().Select(m => m.Text("id")).ToArray();
        Assert.Equal(10, whole.Distinct().Count());
        foreach (var limit in new[] { 1, 3, 10, 1000 })
        {
            Assert.Equal(whole, (await place.WalkAsync($"{url}?limit={limit}")).Select(m => m.Text("id")));
            Assert.Equal(whole.Reverse(), (await place.WalkAsync($"{url}?limit={limit}&order=desc")).Select(m => m.Text("id")));
        }
    }

    [Fact]
    public async Task A_page_ends_at_its_size_and_the_walk_goes_on()
    {
        await using var place = await ProxyPlace.StartAsync();
        var long1 = new string('x', 900_000);
        for (var turn = 0; turn < 12; turn++)
            await place.AskAsync("s1", User($"{turn}{long1}"));
        await place.ActivitiesAsync(12, "demarc_inference");
        var url = $"{Sessions}/{(await place.GetAsync(Sessions)).Data()[0].Text("id")}/messages";

        foreach (var order in new[] { "asc", "desc" })
        {
            Assert.NotNull((await place.GetAsync($"{url}?order={order}")).Text("next_page"));
            var all = await place.WalkAsync($"{url}?order={order}");
            Assert.Equal(12, all.Count(m => m.Text("role") == "assistant"));
            Assert.Equal(all.Count, all.Select(m => m.Text("id")).Distinct().Count());
        }
    }

    [Fact]
    public async Task Tool_blocks_are_cut_as_asked()
    {
        await using var place = await ProxyPlace.StartAsync(rules: Tools);
        await place.AskAsync("s1", User("Go."), """ "tools":[{"name":"Read","input_schema":{"type":"object"}}],""");
        await place.ActivitiesAsync(1, "demarc_inference");
        var url = $"{Sessions}/{(await place.GetAsync(Sessions)).Data()[0].Text("id")}/messages";

        var cut = (await place.GetAsync($"{url}?tool_use_input_max_bytes=5")).Data()[^1].GetProperty("content")[1];
        var whole = (await place.GetAsync($"{url}?tool_use_input_max_bytes=-1&tool_result_max_bytes=99999999")).Data()[^1].GetProperty("content")[1];

        Assert.Equal("{\"fil…[truncated; pass tool_use_input_max_bytes=-1 for the server max]", cut.Text("input"));
        Assert.True(cut.GetProperty("truncated").GetBoolean());
        Assert.Equal("""{"file_path":"a.txt"}""", whole.Text("input"));
    }

    [Fact]
    public async Task Page_tokens_hold_for_their_own_walk_and_a_day()
    {
        await using var place = await ProxyPlace.StartAsync();
        await place.AskAsync("s1", User("one"));
        await place.AskAsync("s2", User("two"));
        await place.ActivitiesAsync(2, "demarc_inference");
        var ids = (await place.GetAsync(Sessions)).Data().Select(s => s.Text("id")).ToArray();
        var url = $"{Sessions}/{ids[0]}/messages";
        var token = (await place.GetAsync($"{url}?limit=1")).Text("next_page")!;
        var listed = (await place.GetAsync($"{Sessions}?limit=1")).Text("next_page")!;

        Assert.StartsWith("page_", token, StringComparison.Ordinal);
        await place.GetAsync($"{url}?page={token}&limit=7&tool_result_max_bytes=9");
        string[] foreign =
        [
            $"{url}?page={token}&order=desc", $"{Sessions}/{ids[1]}/messages?page={token}", $"{url}?page={listed}", $"{Sessions}?page={token}",
            $"{Sessions}?page={listed}&created_at.gte=2020-01-01T00:00:00Z", $"{url}?page={token[..^1]}", $"{url}?page={token[..^3]}abc", $"{url}?page=page_", $"{url}?page=x",
        ];
        foreach (var wrong in foreign)
            Assert.Equal((400, "invalid_request_error", "The page parameter is not a valid cursor for this request."), await place.RefusedAsync(wrong));

        await using var store = await place.OpenStoreAsync();
        var organization = (await store.Organizations.ListAsync())[0].Id;
        var old = TimeProvider.System.GetUtcNow().AddHours(-24).AddSeconds(-1).ToUnixTimeMilliseconds();
        var expired = new PageTokens(Master(place).Derive("demarc cursor")).Make($"messages\n{organization}\n{ids[0]}\nasc", $"{old} 1 0");
        var (status, type, message) = await place.RefusedAsync($"{url}?page={expired}");
        Assert.Equal((400, "invalid_request_error"), (status, type));
        Assert.StartsWith("The page cursor has expired.", message, StringComparison.Ordinal);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Sessions_walk_newest_first_and_by_time(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        for (var n = 0; n < 5; n++)
            await place.AskAsync($"s{n}", User("hi"));
        await place.ActivitiesAsync(5, "demarc_inference");

        var all = await place.WalkAsync($"{Sessions}?limit=2");
        Assert.Equal(5, all.Select(s => s.Text("id")).Distinct().Count());
        Assert.Equal(all.OrderByDescending(s => s.Text("created_at")).Select(s => s.Text("created_at")), all.Select(s => s.Text("created_at")));
        var third = all[2].Text("created_at");
        Assert.Equal(all.Where(s => string.CompareOrdinal(s.Text("created_at"), third) >= 0).Select(s => s.Text("id")), (await place.WalkAsync($"{Sessions}?created_at.gte={third}&limit=1")).Select(s => s.Text("id")));
        Assert.Equal(all.Where(s => string.CompareOrdinal(s.Text("created_at"), third) < 0).Select(s => s.Text("id")), (await place.WalkAsync($"{Sessions}?created_at.lt={third}")).Select(s => s.Text("id")));
    }

    [Fact]
    public async Task Sessions_captured_as_metadata_are_listed_without_their_content()
    {
        await using var place = await ProxyPlace.StartAsync(policies: "  - { capture: metadata }");
        await place.AskAsync("s1", User("secret"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var session = Assert.Single((await place.GetAsync(Sessions)).Data());

        var messages = (await place.GetAsync($"{Sessions}/{session.Text("id")}/messages")).Data();

        Assert.Equal(["user", "assistant"], messages.Select(m => m.Text("role")));
        Assert.All(messages, m => Assert.Equal("""{"type":"content_unavailable","reason":"not_captured"}""", m.GetProperty("provenance").GetRawText()));
        Assert.All(messages, m => Assert.Equal(0, m.GetProperty("content").GetArrayLength()));
    }

    [Fact]
    public async Task Sessions_that_capture_nothing_are_nowhere()
    {
        await using var place = await ProxyPlace.StartAsync(policies: "  - { capture: none }");
        await place.AskAsync("s1", User("secret"));
        var activity = Assert.Single(await place.ActivitiesAsync(1, "demarc_inference"));

        Assert.Empty((await place.GetAsync(Sessions)).Data());
        foreach (var url in new[] { $"{Sessions}/{activity.Text("session_id")}", $"{Sessions}/{activity.Text("session_id")}/messages" })
            Assert.Equal((404, "not_found_error", "Local session not found."), await place.RefusedAsync(url));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_session_of_another_organization_does_not_exist(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await place.AskAsync("s1", User("hi"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var id = (await place.GetAsync(Sessions)).Data()[0].Text("id");
        await place.Store.SqlAsync<int>("UPDATE sessions SET organization_id = 'org_other'");
        await place.Store.SqlAsync<int>("UPDATE session_requests SET organization_id = 'org_other'");

        Assert.Empty((await place.GetAsync(Sessions)).Data());
        Assert.Equal((404, "not_found_error", "Local session not found."), await place.RefusedAsync($"{Sessions}/{id}"));
        Assert.Equal((404, "not_found_error", "Local session not found."), await place.RefusedAsync($"{Sessions}/{id}/messages"));
    }

    [Fact]
    public async Task Content_whose_key_is_destroyed_has_elapsed_and_reading_makes_no_new_key()
    {
        await using var place = await ProxyPlace.StartAsync(StoreKind.Postgres);
        await place.AskAsync("s1", User("hi"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var id = (await place.GetAsync(Sessions)).Data()[0].Text("id");
        await place.Store.SqlAsync<int>("DELETE FROM keys.content_keys");

        var message = Assert.Single((await place.GetAsync($"{Sessions}/{id}/messages")).Data());

        Assert.Equal("""{"type":"content_unavailable","reason":"retention_elapsed"}""", message.GetProperty("provenance").GetRawText());
        Assert.Equal(0, await place.Store.SqlAsync<long>("SELECT count(*) FROM keys.content_keys"));
    }

    [Theory]
    [InlineData("limit=0", "The limit parameter must be between 1 and 1000, inclusive. Got 0.")]
    [InlineData("limit=1001", "The limit parameter must be between 1 and 1000, inclusive. Got 1001.")]
    [InlineData("limit=1&limit=2", "The `limit` parameter is given 2 times. Give it once.")]
    [InlineData("order=up", "The `order` parameter must be \"asc\" or \"desc\". Got \"up\".")]
    [InlineData("tool_use_input_max_bytes=0", "The tool_use_input_max_bytes parameter must be a positive number of bytes, or -1 for the maximum of 1048576. Got 0.")]
    [InlineData("tool_result_max_bytes=-2", "The tool_result_max_bytes parameter must be a positive number of bytes, or -1 for the maximum of 1048576. Got -2.")]
    [InlineData("after_id=x", "There is no `after_id` parameter here. There are: limit, order, page, tool_use_input_max_bytes, tool_result_max_bytes.")]
    public async Task A_parameter_that_cannot_be_used_is_named(string query, string message)
    {
        await using var place = await ProxyPlace.StartAsync();
        Assert.Equal((400, "invalid_request_error", message), await place.RefusedAsync($"{Sessions}/clls_0000000000000000000000/messages?{query}"));
    }

    [Theory]
    [InlineData("limit=501", "The limit parameter must be between 1 and 500, inclusive. Got 501.")]
    [InlineData("created_at.gte=2026-01-02T00:00:00Z&created_at.lt=2026-01-02T00:00:00Z", "created_at.lt must be strictly after created_at.gte.")]
    [InlineData("created_at.gte=2026-01-02T00:00:00", "The `created_at.gte` parameter contains an invalid timestamp format. Timestamps must be provided in RFC 3339 format e.g., \"2024-03-01T00:00:00Z\". Got \"2026-01-02T00:00:00\".")]
    [InlineData("user_ids[]=x", "There is no `user_ids[]` parameter here. There are: created_at.gte, created_at.lt, limit, page.")]
    public async Task A_parameter_of_the_list_that_cannot_be_used_is_named(string query, string message)
    {
        await using var place = await ProxyPlace.StartAsync();
        Assert.Equal((400, "invalid_request_error", message), await place.RefusedAsync($"{Sessions}?{query}"));
    }

    [Theory]
    [InlineData("clls_1")]
    [InlineData("cse_0000000000000000000000")]
    [InlineData("clls_zzzzzzzzzzzzzzzzzzzzzz")]
    public async Task A_malformed_session_id_is_refused(string id)
    {
        await using var place = await ProxyPlace.StartAsync();
        foreach (var url in new[] { $"{Sessions}/{id}", $"{Sessions}/{id}/messages" })
            Assert.Equal((400, "invalid_request_error", $"\"{id}\" is no local session ID (clls_…)."), await place.RefusedAsync(url));
        Assert.Equal((404, "not_found_error", "Local session not found."), await place.RefusedAsync($"{Sessions}/clls_0000000000000000000000"));
    }
}
