using System.Security.Cryptography;
using System.Text;
using Demarc.Governance.Evidence;
using Xunit;

namespace Demarc.Governance.Tests.Evidence;

public sealed class ContentKeyTests
{
    private static readonly Guid Request = Guid.CreateVersion7();
    private readonly ContentKey _key = new(RandomNumberGenerator.GetBytes(32));

    [Fact]
    public void Sealed_content_opens_in_its_place_and_nowhere_else()
    {
        var sealedContent = _key.Seal("secret prompt"u8, "org_1", "clls_1", Request);

        Assert.Equal("secret prompt", Encoding.UTF8.GetString(_key.Open(sealedContent, "org_1", "clls_1", Request)));
        Assert.ThrowsAny<CryptographicException>(() => _key.Open(sealedContent, "org_2", "clls_1", Request));
        Assert.ThrowsAny<CryptographicException>(() => _key.Open(sealedContent, "org_1", "clls_2", Request));
        Assert.ThrowsAny<CryptographicException>(() => _key.Open(sealedContent, "org_1", "clls_1", Guid.CreateVersion7()));
        Assert.ThrowsAny<CryptographicException>(() => new ContentKey(new byte[32]).Open(sealedContent, "org_1", "clls_1", Request));
    }

    [Fact]
    public void Any_changed_byte_is_noticed()
    {
        var sealedContent = _key.Seal("secret prompt"u8, "o", "s", Request);
        for (var i = 0; i < sealedContent.Length; i++)
        {
            sealedContent[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => _key.Open(sealedContent, "o", "s", Request));
            sealedContent[i] ^= 1;
        }
    }

    [Fact]
    public void Sealing_twice_gives_different_bytes_and_no_plain_text()
    {
        var one = _key.Seal("secret prompt"u8, "o", "s", Request);
        Assert.NotEqual(one, _key.Seal("secret prompt"u8, "o", "s", Request));
        Assert.DoesNotContain("secret", Encoding.Latin1.GetString(one), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrapped_key_opens_under_its_master_key_and_place_only()
    {
        var master = new MasterKey(RandomNumberGenerator.GetBytes(32));
        var day = new DateOnly(2026, 11, 22);
        var wrapped = master.Wrap("0123456789abcdef0123456789abcdef"u8, "o", "s", day);

        Assert.Equal("0123456789abcdef0123456789abcdef", Encoding.ASCII.GetString(master.Unwrap(wrapped, "o", "s", day)));
        Assert.ThrowsAny<CryptographicException>(() => master.Unwrap(wrapped, "o", "s", day.AddDays(1)));
        Assert.ThrowsAny<CryptographicException>(() => new MasterKey(new byte[32]).Unwrap(wrapped, "o", "s", day));
    }
}
