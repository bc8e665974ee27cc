using System.Text;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Compliance;

public sealed class ComplianceAccessTests
{
    private const string InvalidKey = "The API key provided is invalid or has been revoked.";

    [Fact]
    public async Task Each_kind_of_key_reads_what_is_its_own()
    {
        await using var place = await ProxyPlace.StartAsync();
        foreach (var key in new[] { null, "sk-ant-api01-something", "developer_key" })
        {
            foreach (var url in new[] { Activities, Sessions, $"{Sessions}/clls_1", $"{Sessions}/clls_1/messages" })
                Assert.Equal((401, "authentication_error", InvalidKey), await place.RefusedAsync(url, key));
        }
        await place.GetAsync(Activities, "admin_key");
        foreach (var url in new[] { Sessions, $"{Sessions}/clls_1", $"{Sessions}/clls_1/messages" })
            Assert.Equal((403, "permission_error", "Missing required scopes. Got: ['read:compliance_activities'] Needed: ['read:compliance_user_data']"), await place.RefusedAsync(url, "admin_key"));
    }

    [Theory, InlineData(null), InlineData(-1)]
    public async Task Transcripts_open_for_an_exempt_key_only(int? hours)
    {
        await using var place = await ProxyPlace.StartAsync();
        await place.AskAsync("s1", User("secret"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var key = await place.NewComplianceKeyAsync(hours is { } h ? TimeProvider.System.GetUtcNow().AddHours(h) : null);

        var id = (await place.GetAsync(Sessions, key)).Data()[0].Text("id");
        await place.GetAsync($"{Sessions}/{id}", key);
        var (status, type, message) = await place.RefusedAsync($"{Sessions}/{id}/messages", key);

        Assert.Equal((403, "permission_error"), (status, type));
        Assert.Contains("review", message, StringComparison.Ordinal);
        await place.GetAsync($"{Sessions}/{id}/messages", await place.NewComplianceKeyAsync(TimeProvider.System.GetUtcNow().AddHours(1)));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Each_read_is_an_activity_with_who_read_what(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await place.AskAsync("s1", User("hi"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var id = (await place.GetAsync(Sessions)).Data()[0].Text("id");
        await place.GetAsync($"{Sessions}/{id}/messages?order=desc");
        await place.RefusedAsync($"{Sessions}/{id}/messages", "admin_key");

        var json = await place.AwaitAsync(
            $"{Activities}?activity_types[]=compliance_api_accessed", j => j.Data().Count(a => a.TryGetProperty("session_id", out var s) && s.GetString() == id) == 2);

        var reads = json.Data().Where(a => a.TryGetProperty("session_id", out var s) && s.GetString() == id).ToArray();
        Assert.Equal([403, 200], reads.Select(a => a.GetProperty("status_code").GetInt32()));
        Assert.Equal([$"{Sessions}/{id}/messages", $"{Sessions}/{id}/messages?order=desc"], reads.Select(a => a.Text("url")));
        Assert.All(reads, a => Assert.Equal("GET", a.Text("request_method")));
        Assert.All(reads, a => Assert.StartsWith("req_", a.Text("request_id"), StringComparison.Ordinal));
        Assert.Equal(["admin_api_key_actor", "api_actor"], reads.Select(a => a.GetProperty("actor").Text("type")));
        Assert.StartsWith("apikey_", reads[0].GetProperty("actor").Text("admin_api_key_id"), StringComparison.Ordinal);
        Assert.StartsWith("apikey_", reads[1].GetProperty("actor").Text("api_key_id"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_recorded_is_not_shown()
    {
        await using var place = await ProxyPlace.StartAsync();
        await place.AskAsync("s1", User("a marked question"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var id = (await place.GetAsync(Sessions)).Data()[0].Text("id");
        await place.Store.SqlAsync<int>("CREATE TRIGGER full BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'disk full'); END");

        var (status, json) = await place.ReadAsync($"{Sessions}/{id}/messages");

        Assert.Equal(503, (int)status);
        Assert.DoesNotContain("marked", json.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Content_is_in_no_activity_no_log_line_and_no_file_in_the_clear()
    {
        const string canary = "canary-7f3a9c";
        var logs = new Lines();
        await using var place = await ProxyPlace.StartAsync(
            StoreKind.Sqlite, "  - { capture: full }", l => l.ClearProviders().AddProvider(logs).SetMinimumLevel(LogLevel.Trace));
        const string more = $$""" "system":"{{canary}}","tools":[{"name":"{{canary}}","input_schema":{"type":"object"} }],""";
        var answer = await place.AskAsync("s1", User(canary), more);
        await place.AskAsync("s1", $$"""{{User(canary)}},{"role":"assistant","content":{{answer.GetProperty("content").GetRawText()}}},{{User(canary + " again")}}""", more);
        await place.SendAsync(place.Ask(ProxyPlace.Body(model: "nothing", text: canary)));
        await place.ActivitiesAsync(2, "demarc_inference");
        var id = (await place.GetAsync(Sessions)).Data()[0].Text("id");

        Assert.Contains(canary, (await place.GetAsync($"{Sessions}/{id}/messages")).GetRawText(), StringComparison.Ordinal);
        var feed = await place.AwaitAsync($"{Activities}?limit=5000", j => j.Data().Any(a => a.Text("type") == "demarc_inference_refused"));
        Assert.DoesNotContain(canary, feed.GetRawText(), StringComparison.Ordinal);
        Assert.NotEmpty(logs.Text);
        Assert.DoesNotContain(canary, logs.Text, StringComparison.Ordinal);
        string[] folders = [place.Folder, Path.GetDirectoryName(place.Store.Url["sqlite:".Length..])!];
        var files = folders.SelectMany(f => Directory.GetFiles(f, "*", SearchOption.AllDirectories)).ToArray();
        Assert.Contains(files, f => f.EndsWith("demarc.db", StringComparison.Ordinal));
        // An empty one is the serving process's lock, which nobody else can open.
        foreach (var file in files.Where(f => new FileInfo(f).Length > 0))
            Assert.False(Contents(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(canary)) >= 0, $"{file} has content in the clear.");
    }

    private static byte[] Contents(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly StringBuilder _lines = new();

        public string Text
        {
            get
            {
                lock (_lines)
                    return _lines.ToString();
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
                _lines.AppendLine(formatter(state, exception)).Append(exception);
        }

        public void Dispose()
        {
        }
    }
}
