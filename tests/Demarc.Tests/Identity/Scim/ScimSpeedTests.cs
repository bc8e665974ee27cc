using System.Diagnostics;
using System.Text.Json.Nodes;
using Demarc.Tests.Storage;
using Microsoft.Data.Sqlite;
using Npgsql;
using Xunit;

namespace Demarc.Tests.Identity.Scim;

/// <summary>How a large directory is served. That of a million people is run by name, with <c>-explicit only</c>, as filling it takes a minute.</summary>
public sealed class ScimSpeedTests
{
    private const int People = 1_000_000;
    private const int Members = 5000;

    private static readonly TimeSpan Bound = TimeSpan.FromMilliseconds(20);

    [Theory(Explicit = true)]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task A_person_among_a_million_is_found_within_twenty_milliseconds(StoreKind kind)
    {
        await using var place = await ScimPlace.StartAsync(kind);
        await place.UserAsync("first");
        await FillAsync(place, kind, People);
        var output = TestContext.Current.TestOutputHelper!;

        foreach (var filter in new[] { "userName eq \"Person{0}@corp.example\"", "externalId eq \"external-{0}\"" })
        {
            var times = new List<TimeSpan>();
            for (var i = 0; i < 300; i++)
            {
                var number = i * 3331 % People;
                var begun = Stopwatch.GetTimestamp();
                var found = await place.DoneAsync(200, "GET", "Users?filter=" + Uri.EscapeDataString(string.Format(System.Globalization.CultureInfo.InvariantCulture, filter, number)));
                times.Add(Stopwatch.GetElapsedTime(begun));
                Assert.Equal($"external-{number}", Assert.Single(found["Resources"]!.AsArray())!["externalId"]!.GetValue<string>());
            }
            times.Sort();
            output.WriteLine($"{kind} {filter}: p50 {times[150].TotalMilliseconds:F2} ms, p99 {times[297].TotalMilliseconds:F2} ms, most {times[^1].TotalMilliseconds:F2} ms");
            Assert.True(times[297] < Bound, times[297].ToString());
        }

        await PatchMembersAsync(place, kind);
        output.WriteLine($"{kind} count of all: {(await TimedAsync(() => place.DoneAsync(200, "GET", "Users?count=0"))).TotalMilliseconds:F0} ms");
    }

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task Five_thousand_members_come_and_go_in_one_request_each(StoreKind kind)
    {
        await using var place = await ScimPlace.StartAsync(kind);
        await place.UserAsync("first");
        await FillAsync(place, kind, 2 * Members);
        await PatchMembersAsync(place, kind);
    }

    // Bound as it is wanted, by far: the machine has others to serve.
    private static async Task PatchMembersAsync(ScimPlace place, StoreKind kind)
    {
        var group = await place.GroupAsync("everyone");
        string Named(IEnumerable<int> numbers) => string.Join(',', numbers.Select(n => $$"""{"value":"{{Id(n)}}"}"""));
        foreach (var (what, operation, left) in new[]
        {
            ("add", $$"""{"op":"add","path":"members","value":[{{Named(Enumerable.Range(0, Members))}}]}""", Members),
            ("remove half", $$"""{"op":"remove","path":"members","value":[{{Named(Enumerable.Range(0, Members / 2))}}]}""", Members / 2),
            ("replace", $$"""{"op":"replace","path":"members","value":[{{Named(Enumerable.Range(0, Members))}}]}""", Members),
            ("remove", $$"""{"op":"remove","path":"members","value":[{{Named(Enumerable.Range(0, Members))}}]}""", 0),
        })
        {
            var begun = Stopwatch.GetTimestamp();
            await place.PatchAsync(204, $"Groups/{group}", operation);
            var took = Stopwatch.GetElapsedTime(begun);
            TestContext.Current.TestOutputHelper!.WriteLine($"{kind} {what} {Members} members: {took.TotalMilliseconds:F0} ms");
            Assert.True(took < TimeSpan.FromSeconds(5), $"{what}: {took}");
            var members = (await place.DoneAsync(200, "GET", $"Groups/{group}"))["members"]!.AsArray();
            Assert.Equal(left, members.Count);
        }
    }

    private static async Task<TimeSpan> TimedAsync(Func<Task<JsonObject>> ask)
    {
        var begun = Stopwatch.GetTimestamp();
        await ask();
        return Stopwatch.GetElapsedTime(begun);
    }

    private static string Id(int number) => $"user_{number:D22}";

    private static async Task FillAsync(ScimPlace place, StoreKind kind, int people)
    {
        const string columns = "INSERT INTO users (id, organization_id, email, name, role, status, created_at, user_name, user_name_key, external_id, document)";
        const string values =
            """
            (SELECT organization_id FROM organizations LIMIT 1), 'person' || n || '@corp.example', 'Person ' || n, 'developer', 'active', 1, 'Person' || n || '@corp.example', 'person' || n || '@corp.example',
              'external-' || n, '{"name":{"formatted":"Person"}}'
            """;
        if (kind == StoreKind.Sqlite)
        {
            await using var connection = new SqliteConnection($"Data Source={place.Store.Url["sqlite:".Length..]};Pooling=false");
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandTimeout = 0;
            command.CommandText = $"WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {people - 1}) {columns} SELECT printf('user_%022d', n), {values} FROM s";
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        else
        {
            var url = new Uri(place.Store.Url);
            await using var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={url.Port};Username=postgres;Database={url.AbsolutePath.Trim('/')};Pooling=false");
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = new NpgsqlCommand($"{columns} SELECT 'user_' || lpad(n::text, 22, '0'), {values} FROM generate_series(0, {people - 1}) AS n; ANALYZE users", connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }
}
