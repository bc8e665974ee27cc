using System.Net;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>Who is there no more at the issuer is out here, though no directory says so.</summary>
public sealed class RecheckTests
{
    [Fact]
    public async Task Who_has_left_the_issuer_is_signed_out_at_the_next_check()
    {
        var time = new SteppedTime();
        await using var place = await SignInPlace.StartAsync("recheck: 15m", time: time);
        var (zed, amy) = (await place.SignInAsync("zed"), await place.SignInAsync("amy"));
        Assert.Equal(0, await CheckAsync(place));

        // Asked twice, as each refresh token of the issuer may hold once.
        for (var i = 0; i < 2; i++)
        {
            time.Step(TimeSpan.FromMinutes(16));
            Assert.Equal(0, await CheckAsync(place));
        }
        await place.Issuer.RemoveAsync("zed");
        Assert.Equal(0, await CheckAsync(place));
        time.Step(TimeSpan.FromMinutes(16));
        Assert.Equal(1, await CheckAsync(place));

        using var refused = await SignInTests.RefusedAsync(place, zed.Access());
        using var served = await place.AskAsync(amy.Access());
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        Assert.Equal("left", await place.Gateway.SqlAsync<string>("SELECT i.status FROM sign_ins i JOIN users u ON u.id = i.user_id WHERE u.email = 'zed@corp.example'"));
        // What asks the issuer is sealed.
        Assert.Equal(0, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM sign_ins WHERE grant_sealed IS NULL OR length(grant_sealed) < 44"));
    }

    [Fact]
    public async Task An_issuer_that_cannot_be_asked_signs_nobody_out()
    {
        var time = new SteppedTime();
        await using var place = await SignInPlace.StartAsync("recheck: 15m", time: time);
        var zed = await place.SignInAsync("zed");
        await place.Issuer.DisposeAsync();
        time.Step(TimeSpan.FromMinutes(16));

        Assert.Equal(0, await CheckAsync(place));

        using var served = await place.AskAsync(zed.Access());
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
    }

    private static Task<int> CheckAsync(SignInPlace place) => place.Gateway.Gateway.Recheck.RunOnceAsync(TestContext.Current.CancellationToken);
}
