using System.Text;
using Demarc.Governance.Wire;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Wire;

public sealed class SpliceTests
{
    [Fact]
    public void Only_the_named_bytes_change()
    {
        var body = """{ "model" : "sonnet",  "x":1.0, "messages":[]}"""u8.ToArray();
        Assert.True(RequestScanner.TryScan(body, out var facts, out _));

        var spliced = Splice.Apply(body, [Splice.Text(Splice.Model, facts.ModelToken, "claude-sonnet-4-6")]);

        Assert.Equal("""{ "model" : "claude-sonnet-4-6",  "x":1.0, "messages":[]}""", Encoding.UTF8.GetString(spliced));
    }

    [Fact]
    public void A_name_is_escaped_as_json()
    {
        var body = """{"model":"a"}"""u8.ToArray();
        Assert.True(RequestScanner.TryScan(body, out var facts, out _));
        var spliced = Splice.Apply(body, [Splice.Text(Splice.Model, facts.ModelToken, "x\"y\\z")]);
        Assert.True(RequestScanner.TryScan(spliced, out var again, out _));
        Assert.Equal("x\"y\\z", again.Model);
    }

    [Fact]
    public void Every_byte_outside_of_the_splice_stays() =>
        Prop.ForAll<byte[], byte[], NonNegativeInt>((body, replacement, seed) =>
        {
            var start = body.Length == 0 ? 0 : seed.Get % (body.Length + 1);
            var length = (seed.Get / 7) % (body.Length - start + 1);
            var splice = new Splice("x", new Slice(start, length), replacement);
            var spliced = Splice.Apply(body, [splice]);
            return spliced.Length == Splice.LengthAfter(body.Length, [splice])
                && spliced.AsSpan(0, start).SequenceEqual(body.AsSpan(0, start))
                && spliced.AsSpan(start, replacement.Length).SequenceEqual(replacement)
                && spliced.AsSpan(start + replacement.Length).SequenceEqual(body.AsSpan(start + length));
        }).QuickCheckThrowOnFailure();
}
