using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Xunit;

namespace Demarc.Tests.Storage;

public class DirectoryTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_key_stands_for_its_person_with_groups(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var (organization, user) = await PersonAsync(store);
        var group = (await store.Groups.CreateAsync(organization, "payments", StorePlace.Actor))!;
        await store.Groups.UpdateMembersAsync(organization, group.Id, [user.Id], [], StorePlace.Actor);
        var (key, secret) = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization, ApiKeyKind.Inference, "laptop", "user", user.Id), StorePlace.Actor);

        var (status, principal) = await store.Principals.AuthenticateAsync(secret.Reveal());

        Assert.Equal(KeyStatus.Active, status);
        Assert.Equal((organization, "user", user.Id, "person@example.com", key.Id), (principal!.OrganizationId, principal.Type, principal.Id, principal.Email, principal.KeyId));
        Assert.Equal(["payments"], principal.Groups);
        Assert.Equal(ApiKeyKind.Inference, principal.KeyKind);
        Assert.True(store.Principals.AuthenticateAsync(secret.Reveal()).AsTask().IsCompletedSuccessfully);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_principal_has_its_workspace_and_the_projects_it_is_in_by_itself_or_through_a_group(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var (organization, user) = await PersonAsync(store);
        var group = (await store.Groups.CreateAsync(organization, "payments", StorePlace.Actor))!;
        await store.Groups.UpdateMembersAsync(organization, group.Id, [user.Id], [], StorePlace.Actor);
        var workspace = (await store.Workspaces.CreateAsync(organization, "research", new Dictionary<string, string>(), StorePlace.Actor))!;
        var atlas = (await store.Projects.CreateAsync(organization, "atlas", "restricted", workspace.Id, StorePlace.Actor))!;
        var plain = (await store.Projects.CreateAsync(organization, "plain", null, null, StorePlace.Actor))!;
        var ended = (await store.Projects.CreateAsync(organization, "ended", null, null, StorePlace.Actor))!;
        await store.Projects.CreateAsync(organization, "others", null, null, StorePlace.Actor);
        await store.Projects.UpdateMembersAsync(organization, atlas.Id, [group.Id, user.Id], [], StorePlace.Actor);
        await store.Projects.UpdateMembersAsync(organization, plain.Id, [group.Id], [], StorePlace.Actor);
        await store.Projects.UpdateMembersAsync(organization, ended.Id, [user.Id], [], StorePlace.Actor);
        await store.Projects.ArchiveAsync(organization, ended.Id, StorePlace.Actor);
        var (_, secret) = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization, ApiKeyKind.Inference, "laptop", "user", user.Id, workspace.Id, ProjectId: plain.Id), StorePlace.Actor);

        var (_, principal) = await store.Principals.AuthenticateAsync(secret.Reveal());

        Assert.Equal((new WorkspaceSnapshot(workspace.Id, "research"), plain.Id), (principal!.Workspace, principal.KeyProjectId));
        Assert.Equal(
            [new ProjectSnapshot(atlas.Id, "atlas", "restricted", new WorkspaceSnapshot(workspace.Id, "research")), new ProjectSnapshot(plain.Id, "plain", null, null)],
            principal.Projects.OrderBy(p => p.Name));
        Assert.Equal(["ended"], (await store.Projects.ListAsync(organization, new PageRequest(), archivedToo: true)).Data.Where(p => p.ArchivedAt is not null).Select(p => p.Name));
        Assert.NotNull(await store.Projects.CreateAsync(organization, "ended", null, null, StorePlace.Actor));
        Assert.Null(await store.Projects.CreateAsync(organization, "atlas", null, null, StorePlace.Actor));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task The_store_keeps_no_key_in_the_clear(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var (organization, user) = await PersonAsync(store);

        var (key, secret) = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization, ApiKeyKind.Admin, "laptop", "user", user.Id), StorePlace.Actor);

        Assert.Equal(ApiKey.Hash(secret.Reveal()), await place.SqlAsync<byte[]>("SELECT hash FROM api_keys"));
        var bodies = (await place.LogAsync(store)).Select(r => System.Text.Encoding.UTF8.GetString(r.Body));
        Assert.DoesNotContain(bodies, body => body.Contains(secret.Reveal()[20..], StringComparison.Ordinal));
        Assert.EndsWith(secret.Reveal()[^4..], key.Hint, StringComparison.Ordinal);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_forged_key_is_unknown_without_a_look_at_the_store(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var (organization, user) = await PersonAsync(store);
        var (_, secret) = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization, ApiKeyKind.Inference, "laptop", "user", user.Id), StorePlace.Actor);
        var forged = secret.Reveal()[..^1] + (secret.Reveal()[^1] == 'a' ? 'b' : 'a');

        foreach (var key in new[] { forged, "", "sk-ant-api03-x", new string('x', 5000), secret.Reveal() + "a" })
        {
            var answer = store.Principals.AuthenticateAsync(key).AsTask();
            Assert.True(answer.IsCompletedSuccessfully);
            Assert.Equal(KeyStatus.Unknown, (await answer).Status);
        }
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_key_expires_while_it_is_cached_and_its_streams_end(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var time = new SteppedTime();
        var store = await place.OpenAsync(time);
        var (organization, user) = await PersonAsync(store);
        var (key, secret) = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization, ApiKeyKind.Inference, "laptop", "user", user.Id, ExpiresAt: time.GetUtcNow().AddMinutes(1)), StorePlace.Actor);

        var (before, principal) = await store.Principals.AuthenticateAsync(secret.Reveal());
        time.Step(TimeSpan.FromMinutes(1));
        var (after, _) = await store.Principals.AuthenticateAsync(secret.Reveal());
        await store.Principals.FollowAsync(changed: false);

        Assert.Equal((KeyStatus.Active, KeyStatus.Expired), (before, after));
        Assert.True(principal!.Revoked.IsCancellationRequested);
        Assert.Equal("expired", (await store.ApiKeys.GetAsync(organization, key.Id))!.Status);
    }

    [Theory]
    [InlineData(StoreKind.Sqlite, "key"), InlineData(StoreKind.Postgres, "key")]
    [InlineData(StoreKind.Sqlite, "user"), InlineData(StoreKind.Postgres, "user")]
    public async Task What_another_process_revokes_ends_here(StoreKind kind, string what)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        using var stop = new CancellationTokenSource();
        var following = store.Changes.RunAsync(stop.Token);
        var (organization, user) = await PersonAsync(store);
        var (key, secret) = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization, ApiKeyKind.Inference, "laptop", "user", user.Id), StorePlace.Actor);
        var (_, principal) = await store.Principals.AuthenticateAsync(secret.Reveal());
        var revoked = new TaskCompletionSource();
        principal!.Revoked.Register(revoked.SetResult);

        var other = await place.OpenAsync();
        if (what == "key")
            await other.ApiKeys.UpdateAsync(organization, key.Id, StorePlace.Actor, status: "inactive");
        else
            await other.Users.UpdateAsync(organization, user.Id, StorePlace.Actor, status: "inactive");

        await revoked.Task.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        Assert.Equal(KeyStatus.Revoked, (await store.Principals.AuthenticateAsync(secret.Reveal())).Status);
        await stop.CancelAsync();
        await following;
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_change_of_groups_reaches_a_cached_principal_without_ending_its_streams(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var (organization, user) = await PersonAsync(store);
        var (_, secret) = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization, ApiKeyKind.Inference, "laptop", "user", user.Id), StorePlace.Actor);
        var (_, before) = await store.Principals.AuthenticateAsync(secret.Reveal());
        var group = (await store.Groups.CreateAsync(organization, "payments", StorePlace.Actor))!;

        await store.Groups.UpdateMembersAsync(organization, group.Id, [user.Id], [], StorePlace.Actor);
        await store.Principals.FollowAsync(changed: true);
        var (_, after) = await store.Principals.AuthenticateAsync(secret.Reveal());
        await store.Users.UpdateAsync(organization, user.Id, StorePlace.Actor, status: "inactive");
        var endedByGroups = before!.Revoked.IsCancellationRequested;
        await store.Principals.FollowAsync(changed: true);

        Assert.Empty(before.Groups);
        Assert.Equal(["payments"], after!.Groups);
        Assert.False(endedByGroups);
        Assert.True(before.Revoked.IsCancellationRequested);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_key_that_the_store_does_not_hold_is_unknown(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var (_, secret) = ApiKey.Create(ApiKeyKind.Inference, StorePlace.Master.Derive("demarc api key"), TimeProvider.System);

        Assert.Equal(KeyStatus.Unknown, (await store.Principals.AuthenticateAsync(secret.Reveal())).Status);
        Assert.True(store.Principals.AuthenticateAsync(secret.Reveal()).AsTask().IsCompletedSuccessfully);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Use_of_a_key_is_written_within_a_minute_and_a_second(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var time = new SteppedTime();
        var store = await place.OpenAsync(time);
        var (organization, user) = await PersonAsync(store);
        var (key, secret) = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization, ApiKeyKind.Inference, "laptop", "user", user.Id), StorePlace.Actor);
        await store.Principals.AuthenticateAsync(secret.Reveal());
        var used = time.GetUtcNow().ToUnixTimeMilliseconds();

        await store.Principals.FollowAsync(changed: false);
        var atOnce = (await store.ApiKeys.GetAsync(organization, key.Id))!.LastUsedAt;
        time.Step(TimeSpan.FromSeconds(61));
        await store.Principals.FollowAsync(changed: false);

        Assert.Null(atOnce);
        Assert.Equal(used, (await store.ApiKeys.GetAsync(organization, key.Id))!.LastUsedAt);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Keys_are_listed_in_pages_and_by_filter(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var time = new SteppedTime();
        var store = await place.OpenAsync(time);
        var (organization, user) = await PersonAsync(store);
        var ids = new List<string>();
        for (var n = 0; n < 5; n++)
        {
            time.Step(TimeSpan.FromMilliseconds(1));
            ids.Insert(0, (await store.ApiKeys.CreateAsync(
                new NewApiKey(organization, ApiKeyKind.Inference, $"key {n}", "user", user.Id, WorkspaceId: n < 2 ? "wrkspc_1" : null),
                n == 4 ? new ActorRecord("user", user.Id) : StorePlace.Actor)).Key.Id);
        }
        await store.ApiKeys.UpdateAsync(organization, ids[2], StorePlace.Actor, status: "archived");

        var all = new ApiKeyFilter();
        var first = await store.ApiKeys.ListAsync(organization, all, new PageRequest(Limit: 2));
        var second = await store.ApiKeys.ListAsync(organization, all, new PageRequest(AfterId: first.Data[^1].Id, Limit: 2));
        var third = await store.ApiKeys.ListAsync(organization, all, new PageRequest(AfterId: second.Data[^1].Id, Limit: 2));
        var back = await store.ApiKeys.ListAsync(organization, all, new PageRequest(BeforeId: third.Data[0].Id, Limit: 2));

        Assert.Equal(ids, first.Data.Concat(second.Data).Concat(third.Data).Select(k => k.Id));
        Assert.Equal((true, true, false), (first.HasMore, second.HasMore, third.HasMore));
        Assert.Equal(second.Data.Select(k => k.Id), back.Data.Select(k => k.Id));
        Assert.Equal([ids[2]], (await store.ApiKeys.ListAsync(organization, new(Status: "archived"), new())).Data.Select(k => k.Id));
        Assert.Equal(ids[3..], (await store.ApiKeys.ListAsync(organization, new(WorkspaceId: "wrkspc_1"), new())).Data.Select(k => k.Id));
        Assert.Equal([ids[0]], (await store.ApiKeys.ListAsync(organization, new(CreatedByUserId: user.Id), new())).Data.Select(k => k.Id));
        Assert.Empty((await store.ApiKeys.ListAsync("org_other", all, new())).Data);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Moving_an_alias_records_both_targets_and_is_followed(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        await store.Aliases.PutAsync(organization, "sonnet", ["east/sonnet-a"], StorePlace.Actor);
        using var stop = new CancellationTokenSource();
        var calls = System.Threading.Channels.Channel.CreateUnbounded<int>();
        store.Changes.Subscribe(async () => await calls.Writer.WriteAsync((await store.Aliases.ListAsync(organization))[0].Targets.Length));
        var following = store.Changes.RunAsync(stop.Token);
        Assert.Equal(1, await calls.Reader.ReadAsync(TestContext.Current.CancellationToken));

        await store.Aliases.PutAsync(organization, "sonnet", ["east/sonnet-b", "west/sonnet-b"], StorePlace.Actor);

        Assert.Equal(2, await calls.Reader.ReadAsync(TestContext.Current.CancellationToken));
        var moved = AppendTests.Read((await place.LogAsync(store))[^1].Body);
        Assert.Equal("demarc_alias_updated", moved.Type);
        Assert.Equal(("""["east/sonnet-a"]""", """["east/sonnet-b","west/sonnet-b"]"""), (moved.Fields["targets_before"], moved.Fields["targets_after"]));

        var seen = (await store.Aliases.FindAsync(organization, "sonnet"))!.MovedAt;
        Assert.Equal(AliasOutcome.Done, await store.Aliases.StageAsync(organization, "sonnet", new(["east/sonnet-c"], 100), StorePlace.Actor, seen));
        Assert.Equal(AliasOutcome.ChangedMeanwhile, await store.Aliases.PromoteAsync(organization, "sonnet", StorePlace.Actor, seen));
        Assert.Equal(AliasOutcome.ChangedMeanwhile, await store.Aliases.PutAsync(organization, "sonnet", ["east/sonnet-d"], StorePlace.Actor, seen: 0));
        Assert.Equal(AliasOutcome.Done, await store.Aliases.PromoteAsync(organization, "sonnet", StorePlace.Actor));
        var promoted = (await store.Aliases.FindAsync(organization, "sonnet"))!;
        Assert.Null(promoted.Staged);
        Assert.Equal(["east/sonnet-c", "east/sonnet-b", "west/sonnet-b"], [.. promoted.Targets, .. promoted.Previous!]);
        Assert.True(await store.Aliases.DeleteAsync(organization, "sonnet", StorePlace.Actor));
        Assert.False(await store.Aliases.DeleteAsync(organization, "sonnet", StorePlace.Actor));
        Assert.Empty(await store.Aliases.ListAsync(organization));
        await stop.CancelAsync();
        await following;
    }

    private static async Task<(string Organization, User User)> PersonAsync(Store store)
    {
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        return (organization, (await store.Users.CreateAsync(organization, "Person@Example.com", "A person", "developer", StorePlace.Actor))!);
    }

    /// <summary>A clock that stands still until it is stepped; timers run on the real one.</summary>
    private sealed class SteppedTime : TimeProvider
    {
        private TimeSpan _offset;
        private readonly DateTimeOffset _start = System.GetUtcNow();

        public override DateTimeOffset GetUtcNow() => _start + _offset;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _start.Ticks + _offset.Ticks;

        public void Step(TimeSpan by) => _offset += by;
    }
}
