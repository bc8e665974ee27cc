using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage.Reviews;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.AdminApi;

/// <summary>The Admin API's usage and cost reports over what a person and a service account used on two days.</summary>
public sealed class ReportEndpointTests(GatewayPlace place) : IClassFixture<GatewayPlace>, IAsyncLifetime
{
    private const string Usage = "/v1/organizations/usage_report/messages";
    private const string Cost = "/v1/organizations/cost_report";
    private const string ClaudeCode = "/v1/organizations/usage_report/claude_code";

    // Four days ago at noon: every bucket asked for has passed.
    private static readonly DateTimeOffset Noon = new(TimeProvider.System.GetUtcNow().UtcDateTime.Date.AddDays(-4).AddHours(12), TimeSpan.Zero);

    private static readonly string Day = Noon.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static readonly string Service = Ids.From(Ids.ServiceAccount, Guid.Parse("0195a000-0000-7000-8000-000000000001"));

    private static readonly string Workspace = Ids.From(Ids.Workspace, Guid.Parse("0195a000-0000-7000-8000-000000000002"));

    public async ValueTask InitializeAsync()
    {
        if (await SettledAsync() > 0)
            return;
        // Sonnet 4.6: 10 × $3 + 20 × $15 + 30 × $0.30 + 40 × $3.75 + 50 × $6 per million = 0.000789.
        await AskAsync(place.Admin.Id, Noon, null, c => c.Finished(cost: 789_000));
        await AskAsync(place.Admin.Id, Noon.AddHours(1), Workspace, c => c.Finished(cost: 10_789_000) with
        {
            Usage = c.Finished().Usage! with { WebSearchRequests = 1 },
            Provider = new ProviderRecord { InferenceGeo = "us" },
        });
        // Two days later; 300,000 × $0.30 + 10 × $15 in half price = 0.0450750, rounded nowhere.
        await AskAsync(Service, Noon.AddDays(2), null, c => c.Finished(cost: 45_075_000) with
        {
            Usage = new UsageRecord { CacheRead = 300_000, OutputTokens = 10 },
            Provider = new ProviderRecord { ServiceTier = "batch" },
        });
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () => await SettledAsync() == 3);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Usage_comes_in_buckets_and_those_without_any_are_there()
    {
        var answer = await place.AdminAsync(200, "GET", $"{Usage}?starting_at={Day}T05:06:07Z&ending_at={Text(Noon.AddDays(3))}");
        Assert.Equal(["data", "has_more", "next_page"], answer.EnumerateObject().Select(p => p.Name));
        Assert.Equal((JsonValueKind.False, JsonValueKind.Null), (answer.GetProperty("has_more").ValueKind, answer.GetProperty("next_page").ValueKind));
        var buckets = answer.GetProperty("data").EnumerateArray().ToArray();
        // The start is cut to its day; a day that has not ended by then is left out.
        Assert.Equal([$"{Day}T00:00:00Z", Text(Noon.AddHours(12)), Text(Noon.AddHours(36))], buckets.Select(b => b.GetProperty("starting_at").GetString()));
        Assert.Equal([1, 0, 1], buckets.Select(b => b.GetProperty("results").GetArrayLength()));
        var result = buckets[0].GetProperty("results")[0];
        Assert.Equal(
            [
                "uncached_input_tokens", "cache_creation", "cache_read_input_tokens", "output_tokens", "server_tool_use",
                "account_id", "api_key_id", "context_window", "inference_geo", "model", "service_account_id", "service_tier", "workspace_id",
            ],
            result.EnumerateObject().Select(p => p.Name));
        Assert.Equal((20, 40, 60, 1), (
            result.GetProperty("uncached_input_tokens").GetInt64(), result.GetProperty("output_tokens").GetInt64(),
            result.GetProperty("cache_read_input_tokens").GetInt64(), result.GetProperty("server_tool_use").GetProperty("web_search_requests").GetInt64()));
        Assert.Equal((100, 80), (
            result.GetProperty("cache_creation").GetProperty("ephemeral_1h_input_tokens").GetInt64(), result.GetProperty("cache_creation").GetProperty("ephemeral_5m_input_tokens").GetInt64()));
        Assert.Equal(JsonValueKind.Null, result.GetProperty("model").ValueKind);
    }

    [Fact]
    public async Task Usage_is_told_apart_by_what_is_asked_for()
    {
        var by = await ResultsAsync($"group_by[]=model&group_by[]=workspace_id&group_by[]=account_id&group_by[]=service_account_id&group_by[]=inference_geo&group_by[]=service_tier&group_by[]=context_window&group_by[]=api_key_id");
        Assert.Equal(
            [
                $"{place.Admin.Id} - claude-sonnet-4-6 us standard 0-200k apikey_1 {Workspace}",
                $"{place.Admin.Id} - claude-sonnet-4-6 global standard 0-200k apikey_1 -",
                $"- {Service} claude-sonnet-4-6 global batch 200k-1M apikey_1 -",
            ],
            by.Select(r => string.Join(' ', new[] { "account_id", "service_account_id", "model", "inference_geo", "service_tier", "context_window", "api_key_id", "workspace_id" }.Select(n => r.GetProperty(n).GetString() ?? "-"))));
        // Told apart by accounts alone, what is of none of them is one.
        Assert.Equal([place.Admin.Id, null], (await ResultsAsync("group_by[]=account_id")).Select(r => r.GetProperty("account_id").GetString()));
    }

    [Theory]
    [InlineData("service_tiers[]=batch", 1)]
    [InlineData("service_tiers[]=batch&service_tiers[]=standard", 2)]
    [InlineData("context_window[]=200k-1M", 1)]
    [InlineData("inference_geos[]=us", 1)]
    [InlineData("inference_geos[]=not_available", 0)]
    [InlineData("models[]=claude-sonnet-4-6", 2)]
    [InlineData("models[]=claude-opus-5", 0)]
    public async Task Usage_is_filtered(string filter, int days) => Assert.Equal(days, (await ResultsAsync(filter)).Length);

    [Fact]
    public async Task Usage_is_filtered_by_who_and_where()
    {
        Assert.Single(await ResultsAsync($"account_ids[]={place.Admin.Id}"));
        Assert.Single(await ResultsAsync($"service_account_ids[]={Service}"));
        Assert.Empty(await ResultsAsync($"account_ids[]={place.Admin.Id}&service_account_ids[]={Service}"));
        Assert.Equal(10, Assert.Single(await ResultsAsync($"workspace_ids[]={Workspace}")).GetProperty("uncached_input_tokens").GetInt64());
    }

    [Fact]
    public async Task A_report_that_is_longer_than_its_page_goes_on()
    {
        var path = $"{Usage}?starting_at={Text(Noon)}&ending_at={Text(Noon.AddHours(3))}&bucket_width=1m";
        var (buckets, used, pages) = (0, 0, 0);
        string? next = null;
        do
        {
            var answer = await place.AdminAsync(200, "GET", path + "&limit=59" + (next is null ? "" : $"&page={next}"));
            buckets += answer.GetProperty("data").GetArrayLength();
            used += answer.GetProperty("data").EnumerateArray().Sum(b => b.GetProperty("results").GetArrayLength());
            next = answer.GetProperty("next_page").GetString();
            Assert.Equal(next is not null, answer.GetProperty("has_more").GetBoolean());
            pages++;
        }
        while (next is not null);
        Assert.Equal((180, 2, 4), (buckets, used, pages));

        // A token of another report is none.
        var other = (await place.AdminAsync(200, "GET", $"{Usage}?starting_at={Text(Noon)}&limit=1")).GetProperty("next_page").GetString();
        await place.AdminAsync(400, "GET", $"{path}&page={other}");
    }

    [Fact]
    public async Task Speed_takes_the_header_that_opts_in()
    {
        var refused = await place.AdminAsync(400, "GET", $"{Usage}?starting_at={Day}T00:00:00Z&group_by[]=speed");
        Assert.Contains("fast-mode-2026-02-01", refused.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Usage, "starting_at")]
    [InlineData(Usage + "?starting_at=2026-11-20", "starting_at")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00", "starting_at")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&ending_at=2026-11-19T00:00:00Z", "ending_at")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&bucket_width=1w", "bucket_width")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&limit=32", "limit")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&bucket_width=1h&limit=169", "limit")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&limit=0", "limit")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&page=page_1", "page")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&group_by[]=description", "group_by")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&api_key_ids[]=1", "api_key_ids")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&service_tiers[]=gold", "service_tiers")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&model=claude-opus-5", "`model`")]
    [InlineData(Usage + "?starting_at=2026-11-20T00:00:00Z&starting_at=2026-11-21T00:00:00Z", "starting_at")]
    [InlineData(Cost + "?starting_at=2026-11-20T00:00:00Z&bucket_width=1h", "bucket_width")]
    [InlineData(Cost + "?starting_at=2026-11-20T00:00:00Z&group_by[]=model", "group_by")]
    [InlineData(Cost + "?starting_at=2026-11-20T00:00:00Z&currency=EUR", "currency")]
    [InlineData(ClaudeCode, "starting_at")]
    [InlineData(ClaudeCode + "?starting_at=2026-11-20T00:00:00Z", "starting_at")]
    [InlineData(ClaudeCode + "?starting_at=2026-11-20&limit=1001", "limit")]
    [InlineData(ClaudeCode + "?starting_at=2026-11-20&ending_at=2026-11-21", "ending_at")]
    public async Task What_cannot_be_reported_is_refused(string path, string field)
    {
        var error = (await place.AdminAsync(400, "GET", path)).GetProperty("error");
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.Contains(field, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("9999-12-31T23:59:59Z")]
    [InlineData("0001-01-01T00:00:00Z")]
    public async Task The_ends_of_time_can_be_asked_for(string start)
    {
        await place.AdminAsync(200, "GET", $"{Usage}?starting_at={start}");
        await place.AdminAsync(200, "GET", $"{ClaudeCode}?starting_at={start[..10]}");
    }

    [Fact]
    public async Task Cost_is_in_cents_and_what_it_is_for_adds_up_to_it()
    {
        // 0.000789 + 0.010789 dollars are 1.1578 cents.
        var days = await CostsAsync("");
        Assert.Equal(["1.1578", "4.5075"], days.Select(r => r.GetProperty("amount").GetString()));
        Assert.Equal(
            ["amount", "context_window", "cost_type", "currency", "description", "inference_geo", "model", "service_tier", "token_type", "workspace_id"],
            days[0].EnumerateObject().Select(p => p.Name));
        Assert.Equal([null, Workspace], (await CostsAsync("group_by[]=workspace_id")).Where(r => r.GetProperty("amount").GetString() is "0.0789" or "1.0789").Select(r => r.GetProperty("workspace_id").GetString()).Order());

        var described = await CostsAsync("group_by[]=description");
        Assert.Equal(1.1578m + 4.5075m, described.Sum(Amount));
        var items = described.Where(r => r.GetProperty("inference_geo").GetString() == "global" && r.GetProperty("service_tier").GetString() == "standard").ToArray();
        // 10 × $3, 20 × $15, 30 × $0.30, 40 × $3.75, 50 × $6 for a million, in cents.
        Assert.Equal(
            [
                ("uncached_input_tokens", 0.003m), ("output_tokens", 0.03m), ("cache_read_input_tokens", 0.0009m),
                ("cache_creation.ephemeral_5m_input_tokens", 0.015m), ("cache_creation.ephemeral_1h_input_tokens", 0.03m),
            ],
            items.Select(r => (r.GetProperty("token_type").GetString(), Amount(r))));
        Assert.Equal("Claude Sonnet 4.6 Usage - Input Tokens", items[0].GetProperty("description").GetString());
        // A search is a cent, and the rest of that call its tokens.
        var search = Assert.Single(described, r => r.GetProperty("cost_type").GetString() == "web_search");
        Assert.Equal(("Web Search Usage", "1"), (search.GetProperty("description").GetString(), search.GetProperty("amount").GetString()));
    }

    [Fact]
    public async Task Claude_Code_is_reported_by_person_and_too_few_people_as_one()
    {
        var answer = await place.AdminAsync(200, "GET", $"{ClaudeCode}?starting_at={Day}");
        var row = Assert.Single(answer.GetProperty("data").EnumerateArray());
        Assert.Equal(("(fewer than 5 people)", "user_actor"), (row.GetProperty("actor").GetProperty("email_address").GetString(), row.GetProperty("actor").GetProperty("type").GetString()));
        Assert.Equal((Day + "T00:00:00Z", "api", 1), (row.GetProperty("date").GetString(), row.GetProperty("customer_type").GetString(), row.GetProperty("core_metrics").GetProperty("num_sessions").GetInt64()));
        var model = Assert.Single(row.GetProperty("model_breakdown").EnumerateArray());
        Assert.Equal(("claude-sonnet-4-6", 1.1578m), (model.GetProperty("model").GetString(), model.GetProperty("estimated_cost").GetProperty("amount").GetDecimal()));
        Assert.Equal("""{"cache_creation":180,"cache_read":60,"input":20,"output":40}""", model.GetProperty("tokens").GetRawText());
        Assert.Empty((await place.AdminAsync(200, "GET", $"{ClaudeCode}?starting_at={Noon.AddDays(1):yyyy-MM-dd}")).GetProperty("data").EnumerateArray());
        var service = Assert.Single((await place.AdminAsync(200, "GET", $"{ClaudeCode}?starting_at={Noon.AddDays(2):yyyy-MM-dd}")).GetProperty("data").EnumerateArray());
        Assert.Equal("api_actor", service.GetProperty("actor").GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_review_of_a_person_names_the_person_to_its_reader_while_it_is_in_force()
    {
        var reviews = place.Store.Reviews;
        var organization = place.Installation.Organization.Id;
        async Task<string?> ActorAsync() => Assert.Single((await place.AdminAsync(200, "GET", $"{ClaudeCode}?starting_at={Day}")).GetProperty("data").EnumerateArray()).GetProperty("actor").GetProperty("email_address").GetString();
        var other = new ActorRecord("user", "user_other");
        var another = await reviews.RequestAsync(organization, new NewReview("user", place.Admin.Id, "audit", "r", "user_another", 1), new ActorRecord("cli", "a"));
        await reviews.DecideAsync(another, true, other);
        Assert.Equal("(fewer than 5 people)", await ActorAsync());

        var asked = await reviews.RequestAsync(organization, new NewReview("user", place.Admin.Id, "audit", "r", place.Admin.Id, 1), new ActorRecord("cli", "a"));
        Assert.Equal("(fewer than 5 people)", await ActorAsync());
        var approved = (await reviews.DecideAsync(asked, true, other))!;
        Assert.Equal(place.Admin.Email, await ActorAsync());
        await reviews.RevokeAsync(approved, other);
        Assert.Equal("(fewer than 5 people)", await ActorAsync());
    }

    [Fact]
    public async Task Reports_take_an_admin_key()
    {
        var key = (await place.KeyAsync(ApiKeyKind.Inference)).Secret;
        foreach (var path in new[] { Usage, Cost, ClaudeCode })
            Assert.Equal(403, (await place.AskAsync("GET", $"{path}?starting_at={Day}T00:00:00Z", key)).Status);
    }

    private static decimal Amount(JsonElement result) => decimal.Parse(result.GetProperty("amount").GetString()!, CultureInfo.InvariantCulture);

    private static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private Task<JsonElement[]> CostsAsync(string query) => ResultsAsync(query, Cost);

    private async Task<JsonElement[]> ResultsAsync(string query, string report = Usage) =>
        [.. (await place.AdminAsync(200, "GET", $"{report}?starting_at={Day}T00:00:00Z&ending_at={Text(Noon.AddDays(3))}&{query}")).GetProperty("data").EnumerateArray().SelectMany(b => b.GetProperty("results").EnumerateArray())];

    private async Task<long> SettledAsync() =>
        (await place.Store.Spend.ListAsync(new(place.Installation.Organization.Id, Noon.AddHours(-12), Noon.AddDays(3).AddHours(-12)))).Sum(l => l.Requests);

    private async Task AskAsync(string actor, DateTimeOffset at, string? workspace, Func<Conversation, FinishedRecord> finish)
    {
        var request = new Conversation(place.Store, place.Installation.Organization.Id, actor, "clls_" + actor, at: at.ToUnixTimeMilliseconds());
        await request.BeginAsync(workspace: workspace, type: actor == Service ? "service_account" : "user");
        await request.FinishAsync(finish(request));
    }
}
