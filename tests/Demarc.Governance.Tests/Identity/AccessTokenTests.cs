using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Xunit;

namespace Demarc.Governance.Tests.Identity;

/// <summary>Keys of access tokens come and go by the clock, on all replicas without a word between them.</summary>
public sealed class AccessTokenTests
{
    private static readonly TimeSpan Period = TimeSpan.FromDays(30);
    private static readonly DateTimeOffset Boundary = DateTimeOffset.UnixEpoch + (700 * Period);

    [Fact]
    public void A_token_of_the_key_before_holds_to_its_end_and_the_published_set_has_both()
    {
        var time = new SetTime(Boundary.AddMinutes(-30));
        var tokens = new AccessTokens(Master(), time);
        var old = tokens.Issue(Claims(time.Now.AddHours(1)));
        var before = Kids(tokens);
        Assert.Contains(Kid(old), before);

        time.Now = Boundary.AddMinutes(5);
        var fresh = tokens.Issue(Claims(time.Now.AddHours(1)));

        Assert.NotEqual(Kid(old), Kid(fresh));
        Assert.NotNull(tokens.Read(old));
        Assert.NotNull(tokens.Read(fresh));
        Assert.Contains(Kid(old), Kids(tokens));
        Assert.Contains(Kid(fresh), Kids(tokens));
        // Who read the set before knows the next key too: nobody has to ask in the very minute.
        Assert.Contains(Kid(fresh), before);
    }

    [Fact]
    public void A_replica_whose_clock_is_behind_takes_what_the_others_sign()
    {
        var ahead = new AccessTokens(Master(), new SetTime(Boundary.AddSeconds(2)));
        var behind = new AccessTokens(Master(), new SetTime(Boundary.AddSeconds(-2)));
        Assert.NotNull(behind.Read(ahead.Issue(Claims(Boundary.AddHours(1)))));
        Assert.NotNull(ahead.Read(behind.Issue(Claims(Boundary.AddHours(1)))));
    }

    [Fact]
    public void A_key_that_is_two_periods_old_signs_for_nobody()
    {
        var time = new SetTime(Boundary.AddMinutes(-30));
        var tokens = new AccessTokens(Master(), time);
        var old = tokens.Issue(Claims(Boundary.AddYears(1)));
        time.Now = Boundary.AddMinutes(5) + Period;
        Assert.Null(tokens.Read(old));
        Assert.DoesNotContain(Kid(old), Kids(tokens));
    }

    [Fact]
    public void Another_installation_signs_for_nobody_here()
    {
        var time = new SetTime(Boundary);
        var foreign = new AccessTokens(new MasterKey([.. Enumerable.Repeat((byte)8, 32)]), time).Issue(Claims(Boundary.AddHours(1)));
        Assert.Null(new AccessTokens(Master(), time).Read(foreign));
    }

    private static MasterKey Master() => new([.. Enumerable.Repeat((byte)7, 32)]);

    private static AccessTokenClaims Claims(DateTimeOffset end) =>
        new("https://claude.contoso.example", "user_1", AccessTokens.Audience, "signin_1", "jti_1", 0, end.ToUnixTimeSeconds(), "a@contoso.example", "A", []);

    private static string Kid(string token) =>
        JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[0])).RootElement.GetProperty("kid").GetString()!;

    private static string[] Kids(AccessTokens tokens) =>
        [.. JsonDocument.Parse(tokens.KeySet()).RootElement.GetProperty("keys").EnumerateArray().Select(k => k.GetProperty("kid").GetString()!)];

    private sealed class SetTime(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
