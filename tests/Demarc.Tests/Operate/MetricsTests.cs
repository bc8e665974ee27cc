using System.Net;
using System.Text.RegularExpressions;
using Demarc.Simulator.Scripts;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Operate;

public sealed partial class MetricsTests
{
    private const string Everyone = "  - { capture: full }\nmetrics: { public: true }";

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Requests_are_counted_by_deployment_and_nobody_is_named(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind, Everyone);
        for (var i = 0; i < 3; i++)
            Assert.True((await place.SendAsync(place.Ask(ProxyPlace.Body(stream: i == 0, text: "canary-of-a-prompt")))).Response.IsSuccessStatusCode);
        await place.SendAsync(place.Ask(ProxyPlace.Body("no-such-model")));
        place.Simulator.Script.Set(new ScriptRule { Model = "claude-sonnet-4-6", Fault = new ScriptFault { Kind = FaultKind.ServerError } });
        await place.SendAsync(place.Ask(ProxyPlace.Body()));

        var text = await MetricsAsync(place);

        const string labels = "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"foundry\",gen_ai_request_model=\"claude-sonnet-4-6\",demarc_deployment=\"east/claude-sonnet-4-6\"";
        Assert.Contains($"gen_ai_server_request_duration_seconds_count{{{labels}}} 3\n", text, StringComparison.Ordinal);
        Assert.Matches(Regex.Escape($"gen_ai_server_request_duration_seconds_count{{{labels},error_type=\"") + "[a-z_]+\"} 1\n", text);
        Assert.Contains($"gen_ai_server_time_to_first_token_seconds_bucket{{{labels},le=\"+Inf\"}} 3\n", text, StringComparison.Ordinal);
        Assert.Matches("gen_ai_client_token_usage_count\\{[^}]*gen_ai_token_type=\"output\"\\} 3\n", text);
        Assert.Matches("demarc_refusals_total\\{reason=\"[a-z_]+\"\\} 1\n", text);
        Assert.Contains("demarc_requests_open 0\n", text, StringComparison.Ordinal);
        Assert.Contains("demarc_store_up 1\n", text, StringComparison.Ordinal);
        Assert.Contains("demarc_deployment_mismatch{demarc_deployment=\"east/my-opus\"} 0\n", text, StringComparison.Ordinal);
        Assert.All(["canary", "user_", "@", "demarc_key"], word => Assert.DoesNotContain(word, text, StringComparison.Ordinal));
        // As the format has it: comments, or a name, labels and a number.
        Assert.All(text.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches(Line(), line));
    }

    [Fact]
    public async Task Buckets_add_up()
    {
        await using var place = await ProxyPlace.StartAsync(StoreKind.Sqlite, Everyone);
        for (var i = 0; i < 4; i++)
            await place.SendAsync(place.Ask(ProxyPlace.Body()));

        var counts = (await MetricsAsync(place)).Split('\n').Where(l => l.StartsWith("gen_ai_server_request_duration_seconds_bucket", StringComparison.Ordinal)).Select(l => int.Parse(l.Split(' ')[1], null)).ToArray();

        Assert.Equal(15, counts.Length);
        Assert.Equal(counts.Order(), counts);
        Assert.Equal(4, counts[^1]);
    }

    [Fact]
    public async Task They_are_for_those_with_the_permission_and_reading_them_is_no_activity()
    {
        await using var place = await ProxyPlace.StartAsync(StoreKind.Sqlite, "  - { capture: full }\nmetrics: {}");
        var before = await RecordsAsync(place);

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(place, null));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(place, "sk-nothing"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(place, place.Keys["developer_key"]));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(place, place.Keys["admin_key"]));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(place, place.Keys["compliance_key"]));

        Assert.Equal(before, await RecordsAsync(place));
    }

    [Fact]
    public async Task Without_a_configuration_there_are_none()
    {
        await using var place = await ProxyPlace.StartAsync();

        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(place, place.Keys["admin_key"]));
    }

    [Fact]
    public async Task The_alert_rules_name_metrics_that_there_are()
    {
        await using var place = await ProxyPlace.StartAsync(StoreKind.Sqlite, "  - { capture: full }\nmetrics: { public: true }\nexports: [ { name: local, to: file, path: out.ndjson } ]");
        await place.SendAsync(place.Ask(ProxyPlace.Body()));
        var shown = "";
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), async () => (shown = await MetricsAsync(place)).Contains("demarc_export_failures{destination=\"local\"}", StringComparison.Ordinal));
        var rules = await File.ReadAllTextAsync(Repository.Path("deploy", "prometheus", "demarc.rules.yaml"), TestContext.Current.CancellationToken);

        var named = Metric().Matches(string.Concat(rules.Split('\n').Where(l => !l.Contains("summary", StringComparison.Ordinal)))).Select(m => m.Value).Distinct().ToArray();

        Assert.True(named.Length >= 7);
        Assert.All(named, name => Assert.Contains(name, shown, StringComparison.Ordinal));
    }

    private static async Task<long> RecordsAsync(ProxyPlace place)
    {
        await place.Gateway.Store.SettledAsync();
        return await place.Store.SqlAsync<long>("SELECT count(*) FROM records");
    }

    private static async Task<string> MetricsAsync(ProxyPlace place)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        var (response, text) = await place.SendAsync(request);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        return text;
    }

    private static async Task<HttpStatusCode> StatusAsync(ProxyPlace place, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        if (key is not null)
            request.Headers.TryAddWithoutValidation("authorization", "Bearer " + key);
        return (await place.SendAsync(request)).Response.StatusCode;
    }

    [GeneratedRegex(@"\A(# (HELP|TYPE) .+|[a-z_:]+(\{([a-z_]+=""[^""]*"",?)+\})? [0-9.E+-]+)\z")]
    private static partial Regex Line();

    [GeneratedRegex(@"\b(demarc_(?!deployment\b)[a-z_]+|gen_ai_[a-z_]+)\b")]
    private static partial Regex Metric();
}
