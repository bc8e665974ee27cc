using System.Text;
using System.Text.Json;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Commands;

/// <summary>What a request's record says of it afterwards, to those who were not there.</summary>
public sealed class ReceiptTests
{
    private static readonly string[] At = ["--config", "demarc.yaml", "--data", "."];

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task A_receipt_says_where_a_request_ran_hop_by_hop_and_its_signature_finds_every_changed_byte(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        var (response, _) = await place.SendAsync(place.Ask(ProxyPlace.Body("my-opus")));
        var id = response.RequestId();
        await place.FinishedAsync(id);
        Assert.Equal("us", response.Headers.GetValues("demarc-inference").Single());

        var receipt = await DemarcCommand.JsonAsync(place.Folder, ["receipt", id, .. At]);
        var attempt = receipt.GetProperty("attempts").EnumerateArray().Single();
        Assert.Equal(("my-opus", true), (attempt.GetProperty("deployment").GetString(), attempt.GetProperty("answered").GetBoolean()));
        var path = attempt.GetProperty("data_path");
        Assert.Equal(["edge", "inference", "storage", "review", "billing"], path.GetProperty("hops").EnumerateArray().Select(h => h.GetProperty("hop").GetString()));
        var geography = path.GetProperty("hops")[1].GetProperty("facts").EnumerateArray().Single(f => f.GetProperty("fact").GetString() == "geography");
        Assert.Equal(("us", "catalog"), (geography.GetProperty("value").GetString(), geography.GetProperty("status").GetString()));
        Assert.NotEqual(0, geography.GetProperty("statements")[0].GetProperty("sources").GetArrayLength());
        Assert.StartsWith("sha256:", receipt.GetProperty("decision").GetProperty("in_force").GetProperty("configuration").GetString(), StringComparison.Ordinal);
        Assert.True(receipt.GetProperty("result").GetProperty("cost_nano_usd").GetInt64() > 0);
        Assert.Matches(@"inference +geography +us +catalog +\d{4}-", await DemarcCommand.DoneAsync(place.Folder, ["receipt", id, .. At]));

        // Declared once, whatever runs.
        await place.SendAsync(place.Ask(ProxyPlace.Body("my-opus")));
        var boundary = attempt.GetProperty("boundary").GetString();
        Assert.Equal(1, await place.Store.SqlAsync<long>("SELECT count(*) FROM boundaries WHERE id = @boundary", new { boundary }));
        var declared = await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_boundary_declared" && e.Fields["boundary"] == boundary);
        Assert.Equal(boundary, BoundaryDocument.IdOf(Encoding.UTF8.GetBytes(declared.Fields["document"]!)));

        // Signed, and checked where nothing else is known but the key.
        var signed = await DemarcCommand.DoneAsync(place.Folder, ["receipt", id, "--sign", .. At]);
        var pem = await DemarcCommand.DoneAsync(place.Folder, ["receipt", "--public-key", .. At]);
        var elsewhere = Directory.CreateTempSubdirectory("demarc-receipt-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(elsewhere, "key.pem"), pem, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(elsewhere, "receipt.json"), signed, TestContext.Current.CancellationToken);
            Assert.Contains($"the receipt of {id}", await DemarcCommand.DoneAsync(elsewhere, "receipt", "--verify", "receipt.json", "--public-key", "key.pem"), StringComparison.Ordinal);
            var bytes = Encoding.UTF8.GetBytes(signed);
            Assert.Null(Control.Receipts.SignedReceipt.Problem(bytes, pem, out _));
            for (var i = 0; i < bytes.Length; i++)
            {
                bytes[i] ^= 1;
                Assert.NotNull(Control.Receipts.SignedReceipt.Problem(bytes, pem, out _));
                bytes[i] ^= 1;
            }
            await File.WriteAllTextAsync(Path.Combine(elsewhere, "receipt.json"), signed.Replace("\"us\"", "\"eu\"", StringComparison.Ordinal), TestContext.Current.CancellationToken);
            Assert.Contains("the signature does not hold", await DemarcCommand.FailsAsync(1, elsewhere, "receipt", "--verify", "receipt.json", "--public-key", "key.pem"), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    [Fact]
    public async Task An_activity_carries_the_data_path_of_the_deployment_that_answered()
    {
        await using var place = await ProxyPlace.StartAsync();
        var (response, _) = await place.SendAsync(place.Ask(ProxyPlace.Body("my-opus")));
        await place.FinishedAsync(response.RequestId());
        JsonElement[] found;
        do
        {
            using var ask = new HttpRequestMessage(HttpMethod.Get, "/v1/compliance/activities?activity_types[]=demarc_inference");
            ask.Headers.Add("x-api-key", place.Keys["compliance_key"]);
            var (_, body) = await place.SendAsync(ask);
            found = [.. JsonSerializer.Deserialize<JsonElement>(body).GetProperty("data").EnumerateArray()];
        }
        while (found.Length == 0);
        Assert.Equal("us", found[0].GetProperty("data_path").GetProperty("inference").GetProperty("geography").GetString());
        Assert.StartsWith("bnd_", found[0].GetProperty("boundary").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_past_request_is_explained_with_what_holds_now_and_what_changed_since()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Path = "/east/*", Fault = new ScriptFault { Kind = FaultKind.Overloaded } });
        var (refused, _) = await place.SendAsync(place.Ask(ProxyPlace.Body("nothing")));
        var (answered, _) = await place.SendAsync(place.Ask(ProxyPlace.Body("direct/claude-sonnet-4-6")));
        await place.FinishedAsync(answered.RequestId());

        var went = await DemarcCommand.JsonAsync(place.Folder, ["explain", answered.RequestId(), .. At]);
        Assert.Empty(went.GetProperty("changed").EnumerateArray());
        Assert.Equal("direct/claude-sonnet-4-6", went.GetProperty("recorded").GetProperty("attempts")[0].GetProperty("deployment").GetString());

        var config = Path.Combine(place.Folder, "demarc.yaml");
        var yaml = await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(config, yaml.Replace("{ capture: full }", "{ capture: full, deny: { resources: [direct] } }", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var now = await DemarcCommand.JsonAsync(place.Folder, ["explain", answered.RequestId(), .. At]);
        Assert.Equal(["policy", "configuration"], now.GetProperty("changed").EnumerateArray().Select(c => c.GetString()));
        Assert.Equal("resource_denied", now.GetProperty("present").GetProperty("deployments")[0].GetProperty("reasons")[0].GetProperty("code").GetString());
        var text = await DemarcCommand.DoneAsync(place.Folder, ["explain", answered.RequestId(), .. At]);
        Assert.Contains("Changed since the request: policy, configuration. What follows is today's view", text, StringComparison.Ordinal);

        // A refusal is found once it is projected.
        string explained;
        do
            explained = (await DemarcCommand.RunAsync(place.Folder, ["explain", refused.RequestId(), .. At])).Output;
        while (explained.Length == 0);
        Assert.Contains("It was refused (model_unknown)", explained, StringComparison.Ordinal);
        Assert.Equal(["demarc-request-id"], refused.Headers.Where(h => h.Key.StartsWith("demarc-", StringComparison.Ordinal)).Select(h => h.Key));
    }
}
