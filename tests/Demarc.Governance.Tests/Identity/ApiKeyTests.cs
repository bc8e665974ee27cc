using System.Text.Json;
using Demarc.Governance.Identity;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Identity;

public sealed class ApiKeyTests
{
    private static readonly byte[] MacKey = new byte[32];

    [Theory]
    [InlineData(ApiKeyKind.Inference, "demarc_key_")]
    [InlineData(ApiKeyKind.Admin, "demarc_admin_")]
    [InlineData(ApiKeyKind.Compliance, "demarc_compliance_")]
    public void A_new_key_reads_back_as_what_it_is(ApiKeyKind kind, string prefix)
    {
        var (id, key) = ApiKey.Create(kind, MacKey, TimeProvider.System);

        Assert.StartsWith(prefix, key.Reveal(), StringComparison.Ordinal);
        Assert.True(ApiKey.TryRead(key.Reveal(), MacKey, out var readId, out var readKind));
        Assert.Equal((id, kind), (readId, readKind));
        Assert.True(key.Reveal().Length < ApiKey.MaxLength);
    }

    [Fact]
    public void A_forgery_is_told_from_a_key_without_the_store()
    {
        var key = ApiKey.Create(ApiKeyKind.Inference, MacKey, TimeProvider.System).Key.Reveal();
        for (var i = "demarc_key_".Length; i < key.Length; i++)
        {
            var forged = string.Concat(key.AsSpan(0, i), key[i] == 'A' ? "B" : "A", key.AsSpan(i + 1));
            Assert.False(ApiKey.TryRead(forged, MacKey, out _, out _), $"changed at {i}");
        }
        Assert.False(ApiKey.TryRead(key.Replace("demarc_key_", "demarc_admin_", StringComparison.Ordinal), MacKey, out _, out _));
        Assert.False(ApiKey.TryRead(key, [1, .. new byte[31]], out _, out _));
        Assert.False(ApiKey.TryRead(key + "0", MacKey, out _, out _));
        Assert.False(ApiKey.TryRead("", MacKey, out _, out _));
    }

    [Fact]
    public void A_hint_shows_little()
    {
        var key = ApiKey.Create(ApiKeyKind.Inference, MacKey, TimeProvider.System).Key.Reveal();
        Assert.Equal($"{key[..14]}...{key[^4..]}", ApiKey.Hint(key));
    }

    [Fact]
    public void A_secret_neither_prints_nor_serialises()
    {
        var secret = new Secret("canary");
        Assert.DoesNotContain("canary", $"{secret} {JsonSerializer.Serialize(secret)}", StringComparison.Ordinal);
        Assert.Equal("canary", secret.Reveal());
    }

    [Fact]
    public void Base62_reads_back_what_it_wrote() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            var read = new byte[bytes.Length];
            return bytes.Length > 200 || (Base62.TryDecode(Base62.Encode(bytes), read) && read.AsSpan().SequenceEqual(bytes));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzz")]
    [InlineData("000000000000000000000")]
    [InlineData("00000000000000000000-0")]
    public void Base62_refuses_what_it_cannot_have_written(string text) => Assert.False(Base62.TryDecode(text, new byte[16]));

    [Fact]
    public void Ids_carry_their_kind()
    {
        var id = Ids.New(Ids.User, TimeProvider.System);
        Assert.True(Ids.TryParse(Ids.User, id, out var value));
        Assert.Equal(id, Ids.From(Ids.User, value));
        Assert.False(Ids.TryParse(Ids.ApiKey, id, out _));
    }
}
