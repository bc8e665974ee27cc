using System.Buffers.Binary;
using Demarc.Governance.Evidence;
using Xunit;

namespace Demarc.Governance.Tests.Evidence;

public sealed class SipHashTests
{
    // As `openssl mac -macopt hexkey:000102…0e0f -macopt size:16 SIPHASH` gives them for the bytes 00, 01, 02, …
    [Theory]
    [InlineData(0, "A3817F04BA25A8E66DF67214C7550293")]
    [InlineData(1, "DA87C1D86B99AF44347659119B22FC45")]
    [InlineData(7, "A1F1EBBED8DBC153C0B84AA61FF08239")]
    [InlineData(8, "3B62A9BA6258F5610F83E264F31497B4")]
    [InlineData(9, "264499060AD9BAABC47F8B02BB6D71ED")]
    [InlineData(63, "5150D1772F50834A503E069A973FBD7C")]
    public void It_is_what_others_compute(int length, string expected)
    {
        var name = SipHash.Of(Bytes(SipHash.KeySize), Bytes(length));

        var output = new byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(output, name);
        Assert.Equal(expected, Convert.ToHexString(output));
    }

    [Fact]
    public void A_short_key_is_refused() => Assert.Throws<ArgumentException>(() => SipHash.Of(Bytes(15), Bytes(8)));

    private static byte[] Bytes(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)i)];
}
