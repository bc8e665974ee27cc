using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Control.Alerts;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Simulator.Scripts;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Limits;

public sealed class AlertTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    private static readonly string Thousand = ProxyPlace.Body().Replace("64", "1000", StringComparison.Ordinal);

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Each_threshold_is_told_once_by_a_signed_webhook_that_is_tried_again(StoreKind kind)
    {
        await using var hooks = await Receiver.StartAsync(failures: 1);
        // An answer is $0.015084 with the prompt: the sixth passes 75 % of $0.11, the seventh 95.
        await using var place = await ProxyPlace.StartAsync(kind, $$"""
              - limits: [ { per: person, period: monthly, amount_usd: "0.11", mode: soft } ]
            alerts:
              webhooks: [ { name: ops, url: {{hooks.Url}}, secret: whsec_{{Convert.ToBase64String(Key)}}, allow_private: true } ]
            """, new ScriptRule { Deltas = 1000 });
        for (var i = 0; i < 7; i++)
            Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(Thousand))).Response.StatusCode);

        // The first was answered with an error, and comes again under its id. Late in a month a forecast is among them.
        var calls = new List<Call> { await hooks.NextAsync() };
        while (calls.Count(c => c.Id == calls[0].Id) < 2 || !Percents(calls).Contains("75") || !Percents(calls).Contains("95"))
            calls.Add(await hooks.NextAsync());

        Assert.All(calls.Skip(1).GroupBy(c => c.Id), once => Assert.Single(once));
        Assert.All(calls, n => Assert.Equal("v1," + Convert.ToBase64String(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes($"{n.Id}.{n.Timestamp}.{n.Body}"))), n.Signature));
        await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_spend_alert_sent" && e.Fields["destination"] == "webhook:ops");
        Assert.Equal(2, await place.Store.SqlAsync<long>("SELECT count(*) FROM spend_alerts WHERE about LIKE 'demarc_spend_threshold_reached/%'"));
    }

    [Fact]
    public async Task Over_replicas_and_restarts_each_is_told_once()
    {
        await using var hooks = await Receiver.StartAsync(failures: 0);
        await using var place = await ProxyPlace.StartAsync(StoreKind.Postgres, $$"""
              - limits: [ { per: person, period: monthly, amount_usd: "0.11", mode: soft } ]
            alerts:
              webhooks: [ { name: ops, url: {{hooks.Url}}, secret: whsec_{{Convert.ToBase64String(Key)}}, allow_private: true } ]
            """, new ScriptRule { Deltas = 1000 });
        var (first, gateways) = (place.Gateway, new List<Serving.Gateway>());
        try
        {
            gateways.AddRange([await place.BesideAsync(), await place.BesideAsync()]);
            // Each of three finds for itself that 75, 95 and more than 100 % are passed, as it does not know what the others have spent just now.
            foreach (var gateway in (Serving.Gateway[])[first, .. gateways])
            {
                place.Use(gateway);
                await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(Thousand))).Response.StatusCode)));
            }
            await UntilSentAsync();
            // One that starts has seen nothing of it.
            gateways.Add(await place.BesideAsync());
            Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(Thousand))).Response.StatusCode);
            await UntilSentAsync();

            var calls = new List<Call>();
            while (!hooks.IsUntouched)
                calls.Add(await hooks.NextAsync());
            Assert.All(calls.GroupBy(c => c.Id), once => Assert.Single(once));
            Assert.Equal(["100", "75", "95"], Percents(calls).Order());
            Assert.Equal((calls.Count, calls.Count), (
                await place.Store.SqlAsync<long>("SELECT CAST(sum(tries) AS bigint) FROM spend_alerts"),
                await place.Store.SqlAsync<long>("SELECT count(*) FROM activities WHERE type = 'demarc_spend_alert_sent'")));
        }
        finally
        {
            place.Use(first);
            foreach (var gateway in gateways)
                await gateway.DisposeAsync();
        }

        // Until every activity was looked at, and what was made of it is sent.
        Task UntilSentAsync() => GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), async () =>
            await place.Store.SqlAsync<long>(
                """
                SELECT (SELECT count(*) FROM spend_alerts WHERE status = 'pending')
                  + (SELECT count(*) FROM activities a WHERE a.type LIKE 'demarc_spend_t%' AND a.position > (SELECT coalesce(max(position), 0) FROM spend_alert_marks))
                  + (SELECT count(*) FROM records WHERE kind = 1) - (SELECT count(DISTINCT request_id) FROM ledger)
                  + CASE WHEN (SELECT count(*) FROM spend_alerts) < 3 THEN 1 ELSE 0 END
                """) == 0);
    }

    private static IEnumerable<string?> Percents(IEnumerable<Call> calls) =>
        calls.Select(c => JsonDocument.Parse(c.Body).RootElement).Where(b => b.GetProperty("type").GetString() == "spend.threshold_reached")
            .Select(b => b.GetProperty("data").GetProperty("percent").GetString());

    [Fact]
    public async Task A_threshold_is_told_by_mail()
    {
        using var mail = new MailServer();
        await using var place = await ProxyPlace.StartAsync(StoreKind.Sqlite, $$"""
              - limits: [ { per: person, period: monthly, amount_usd: "0.02", mode: soft } ]
            alerts:
              email: { server: "127.0.0.1:{{mail.Port}}", from: demarc@example.com, to: [finops@example.com] }
            """, new ScriptRule { Deltas = 1000 });
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(Thousand))).Response.StatusCode);

        var message = await mail.NextAsync();

        Assert.Contains("RCPT TO:<finops@example.com>", message, StringComparison.Ordinal);
        Assert.Contains("Subject: Spend limit policies[0].limits[0] (monthly) is at 75 %", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.1.2.3")]
    [InlineData("169.254.169.254")]
    [InlineData("100.64.0.1")]
    [InlineData("::1")]
    [InlineData("fd00::1")]
    [InlineData("fe80::1")]
    [InlineData("::ffff:192.168.0.1")]
    [InlineData("64:ff9b::a00:1")]
    [InlineData("0.0.0.0")]
    public void What_is_not_public_is_not_connected_to(string address) => Assert.False(PublicAddresses.Contain(IPAddress.Parse(address)));

    [Theory, InlineData("1.1.1.1"), InlineData("2606:4700:4700::1111"), InlineData("::ffff:8.8.8.8")]
    public void What_is_public_is(string address) => Assert.True(PublicAddresses.Contain(IPAddress.Parse(address)));

    [Fact]
    public async Task A_webhook_that_points_inwards_is_not_called()
    {
        await using var hooks = await Receiver.StartAsync(failures: 0);
        using var sender = new AlertSender(TimeProvider.System);
        var alert = new Demarc.Storage.Ledger.SpendAlert { Id = "alert_1", OrganizationId = "org_1", Destination = "webhook:in", Body = "{}", Tries = 1, CreatedAt = 0 };

        var problem = await sender.SendAsync(alert, new AlertDestinations([new Webhook("in", hooks.Url, new Secret("whsec_" + Convert.ToBase64String(Key)), false)], null), TestContext.Current.CancellationToken);

        Assert.Contains("no public address", problem, StringComparison.Ordinal);
        Assert.True(hooks.IsUntouched);
    }

    private sealed record Call(string Id, string Timestamp, string Signature, string Body);

    /// <summary>An endpoint that takes webhooks, after it has failed a few.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly System.Threading.Channels.Channel<Call> _calls = System.Threading.Channels.Channel.CreateUnbounded<Call>();
        private int _failures;

        private Receiver(WebApplication app, int failures) => (_app, _failures) = (app, failures);

        public Uri Url => new(_app.Urls.First() + "/hook");

        public bool IsUntouched => _calls.Reader.Count == 0;

        public static async Task<Receiver> StartAsync(int failures)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            var app = builder.Build();
            app.Urls.Add("http://127.0.0.1:0");
            var receiver = new Receiver(app, failures);
            app.MapPost("/hook", receiver.TakeAsync);
            await app.StartAsync();
            return receiver;
        }

        public Task<Call> NextAsync() => _calls.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

        public ValueTask DisposeAsync() => _app.DisposeAsync();

        private async Task TakeAsync(HttpContext http)
        {
            using var reader = new StreamReader(http.Request.Body);
            var headers = http.Request.Headers;
            var call = new Call(headers["webhook-id"].ToString(), headers["webhook-timestamp"].ToString(), headers["webhook-signature"].ToString(), await reader.ReadToEndAsync());
            http.Response.StatusCode = Interlocked.Decrement(ref _failures) >= 0 ? 503 : 204;
            await _calls.Writer.WriteAsync(call);
        }
    }
}
