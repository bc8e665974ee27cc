using System.Collections.Concurrent;
using System.Text;
using Demarc.Simulator.Scripts;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Operate;

/// <summary>What a collector receives over OTLP.</summary>
public sealed class OtlpTests
{
    [Fact]
    public async Task A_collector_gets_requests_tokens_cost_and_spans_and_nothing_that_was_said()
    {
        await using var receiver = await Receiver.StartAsync();
        await using (var place = await ProxyPlace.StartAsync(StoreKind.Sqlite, $"  - {{ capture: full }}\nmetrics: {{ otlp: {{ endpoint: {receiver.Url}, headers: {{ x-collector: \"${{file:upstream.key}}\" }}, every: 1s, traces: true }} }}"))
        {
            for (var i = 0; i < 3; i++)
                Assert.True((await place.SendAsync(place.Ask(ProxyPlace.Body(stream: i == 0, text: "canary-of-a-prompt")))).Response.IsSuccessStatusCode);
            await place.SendAsync(place.Ask(ProxyPlace.Body("no-such-model")));
            place.Simulator.Script.Set(new ScriptRule { Model = "claude-sonnet-4-6", Fault = new ScriptFault { Kind = FaultKind.ServerError } });
            await place.SendAsync(place.Ask(ProxyPlace.Body()));
            // Metrics go each second; spans, and what is left, when it stops.
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), () => Task.FromResult(receiver.Taken.Any(t => t.Path == "/v1/metrics")));
        }

        Assert.All(receiver.Taken, t => Assert.Equal(("application/x-protobuf", "upstream-secret"), (t.Type, t.Header)));
        var metrics = receiver.Taken.Last(t => t.Path == "/v1/metrics").Message;
        // ExportMetricsServiceRequest: resource_metrics 1, scope_metrics 2, metrics 2; name 1, unit 3, sum 7, histogram 9.
        var named = metrics.All(1, 2, 2).ToDictionary(m => m.Text(1));
        Assert.Equal("s", named["gen_ai.server.request.duration"].Text(3));
        // HistogramDataPoint: count 4, bucket_counts 6, explicit_bounds 7, attributes 9.
        var answered = Assert.Single(named["gen_ai.server.request.duration"].All(9, 1), p => !p.Attributes(9).ContainsKey("error.type"));
        Assert.Equal(3ul, answered.Number(4));
        Assert.Equal(14 * 8, answered.Bytes(7).Length);
        Assert.Equal(
            new Dictionary<string, string> { ["gen_ai.operation.name"] = "chat", ["gen_ai.provider.name"] = "foundry", ["gen_ai.request.model"] = "claude-sonnet-4-6", ["demarc.deployment"] = "east/claude-sonnet-4-6" },
            answered.Attributes(9));
        Assert.Equal(1ul, Assert.Single(named["gen_ai.server.request.duration"].All(9, 1), p => p.Attributes(9).ContainsKey("error.type")).Number(4));
        Assert.Equal(3ul, Assert.Single(named["gen_ai.client.token.usage"].All(9, 1), p => p.Attributes(9)["gen_ai.token.type"] == "output").Number(4));
        Assert.Contains("gen_ai.server.time_to_first_token", named.Keys);
        Assert.Contains("demarc.deployment.failing", named.Keys);
        // NumberDataPoint: as_double 4, as_int 6, attributes 7.
        Assert.True(BitConverter.UInt64BitsToDouble(Assert.Single(named["demarc.cost"].All(7, 1)).Number(4)) > 0);
        Assert.Equal(1ul, Assert.Single(named["demarc.refusals"].All(7, 1)).Number(6));

        // ExportTraceServiceRequest: resource_spans 1, scope_spans 2, spans 2; name 5, start 7, end 8, attributes 9.
        var spans = receiver.Taken.Where(t => t.Path == "/v1/traces").SelectMany(t => t.Message.All(1, 2, 2)).ToArray();
        Assert.Equal(4, spans.Length);
        Assert.All(spans, s => Assert.Equal("chat claude-sonnet-4-6", s.Text(5)));
        Assert.All(spans, s => Assert.True(s.Number(8) > s.Number(7)));
        Assert.Equal(4, spans.Select(s => s.Attributes(9)["demarc.request_id"]).Distinct().Count());
        Assert.Equal(3, spans.Count(s => s.Attributes(9).ContainsKey("gen_ai.usage.output_tokens")));
        Assert.All(receiver.Taken, t => Assert.All(["canary", "user_", "demarc.example", "demarc_key", "clls_"], word => Assert.DoesNotContain(word, t.Raw, StringComparison.Ordinal)));
    }

    /// <summary>Takes OTLP over HTTP.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private readonly WebApplication _app;

        private Receiver(WebApplication app) => _app = app;

        public Uri Url => new(_app.Urls.First());

        public ConcurrentQueue<(string Path, string? Type, string? Header, Wire Message, string Raw)> Taken { get; } = new();

        public static async Task<Receiver> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var receiver = new Receiver(builder.Build());
            receiver._app.Run(async http =>
            {
                using var body = new MemoryStream();
                await http.Request.Body.CopyToAsync(body);
                receiver.Taken.Enqueue((http.Request.Path, http.Request.ContentType, http.Request.Headers["x-collector"], new Wire(body.ToArray()), Encoding.Latin1.GetString(body.ToArray())));
            });
            await receiver._app.StartAsync();
            return receiver;
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }

    /// <summary>A protobuf message, read by the numbers of its fields.</summary>
    private sealed class Wire
    {
        private readonly List<(int Field, ulong Number, byte[] Bytes)> _fields = [];

        public Wire(byte[] message)
        {
            for (var at = 0; at < message.Length;)
            {
                var tag = Varint(message, ref at);
                switch (tag & 7)
                {
                    case 0:
                        _fields.Add(((int)(tag >> 3), Varint(message, ref at), []));
                        break;
                    case 1:
                        _fields.Add(((int)(tag >> 3), BitConverter.ToUInt64(message, at), []));
                        at += 8;
                        break;
                    case 2:
                        var length = (int)Varint(message, ref at);
                        _fields.Add(((int)(tag >> 3), 0, message[at..(at + length)]));
                        at += length;
                        break;
                    case 5:
                        _fields.Add(((int)(tag >> 3), BitConverter.ToUInt32(message, at), []));
                        at += 4;
                        break;
                    default:
                        throw new InvalidOperationException($"No field begins with {tag}.");
                }
            }
        }

        public IEnumerable<Wire> All(params int[] path) =>
            path.Aggregate((IEnumerable<Wire>)[this], (level, field) => level.SelectMany(w => w._fields.Where(f => f.Field == field).Select(f => new Wire(f.Bytes))));

        public byte[] Bytes(int field) => _fields.Single(f => f.Field == field).Bytes;

        public string Text(int field) => Encoding.UTF8.GetString(Bytes(field));

        public ulong Number(int field) => _fields.Single(f => f.Field == field).Number;

        /// <summary>KeyValue: key 1, value 2; AnyValue: string 1, int 3.</summary>
        public Dictionary<string, string> Attributes(int field) => All(field).ToDictionary(
            a => a.Text(1), a => Assert.Single(a.All(2))._fields.Select(v => v.Field == 1 ? Encoding.UTF8.GetString(v.Bytes) : v.Number.ToString(null, null)).Single());

        private static ulong Varint(byte[] message, ref int at)
        {
            var value = 0ul;
            for (var shift = 0; ; shift += 7)
            {
                var part = message[at++];
                value |= (ulong)(part & 0x7f) << shift;
                if (part < 0x80)
                    return value;
            }
        }
    }
}
