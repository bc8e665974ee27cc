using Demarc.Governance.Spend;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Spend;

public class NanoDollarsTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 1_000_000_000)]
    [InlineData("0.08", 80_000_000)]
    [InlineData("12.50", 12_500_000_000)]
    [InlineData("0.000000001", 1)]
    [InlineData("9223372036.854775807", long.MaxValue)]
    public void Dollars_are_read_exactly(string usd, long nano)
    {
        Assert.True(NanoDollars.TryParse(usd, out var read));
        Assert.Equal(nano, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("1.")]
    [InlineData(".1")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1e3")]
    [InlineData("1,000")]
    [InlineData("1.2.3")]
    [InlineData(" 1")]
    [InlineData("$1")]
    [InlineData("٣")]
    [InlineData("0.0000000001")]
    [InlineData("9223372036.854775808")]
    [InlineData("99999999999999999999999999999999999999999999")]
    public void What_is_no_exact_amount_is_refused(string usd) => Assert.False(NanoDollars.TryParse(usd, out _));

    [Theory]
    [InlineData(0, "$0.00")]
    [InlineData(123_456_789, "$0.123456789")]
    [InlineData(1_250_000_000, "$1.25")]
    [InlineData(500_000_000_000, "$500.00")]
    [InlineData(-1, "-$0.000000001")]
    [InlineData(long.MinValue, "-$9223372036.854775808")]
    public void Amounts_are_written_as_exactly_as_it_takes(long nano, string text) => Assert.Equal(text, NanoDollars.Format(nano));

    [Fact]
    public void What_was_written_reads_back() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            ArbMap.Default.ArbFor<NonNegativeInt>(),
            ArbMap.Default.ArbFor<NonNegativeInt>(),
            (dollars, rest) =>
            {
                var nano = (dollars.Get * NanoDollars.PerDollar) + (rest.Get % NanoDollars.PerDollar);
                return NanoDollars.TryParse(NanoDollars.Format(nano).AsSpan(1), out var read) && read == nano;
            }));
}
