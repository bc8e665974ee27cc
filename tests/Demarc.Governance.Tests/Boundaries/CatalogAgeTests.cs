using Demarc.Governance.Boundaries;
using Xunit;

namespace Demarc.Governance.Tests.Boundaries;

public class CatalogAgeTests
{
    private static readonly DateOnly Seen = CatalogFile.Shipped.OldestSeen;

    [Fact]
    public void The_catalog_states_its_age_and_that_of_its_oldest_source()
    {
        Assert.Equal(CatalogFile.Shipped.Sources.Min(s => s.Seen), Seen);
        Assert.Equal(0, CatalogFile.Shipped.Age(Seen));
        Assert.Equal(61, CatalogFile.Shipped.Age(Seen.AddDays(61)));
        Assert.Equal(CatalogFile.Shipped.Sources.Min(s => s.Date), CatalogFile.Shipped.OldestSource);
    }

    [Fact]
    public void Sixty_days_are_fresh_and_sixty_one_are_old()
    {
        Assert.DoesNotContain(CatalogFile.Shipped.Warnings(Seen.AddDays(60)), w => w.Code is "catalog_old" or "section_old");

        var old = CatalogFile.Shipped.Warnings(Seen.AddDays(61));
        Assert.Contains("61 days", Assert.Single(old, w => w.Code == "catalog_old").Text, StringComparison.Ordinal);
        Assert.Equal(
            ["boundaries", "features", "models", "multipliers", "overheads", "platforms", "prices"],
            old.Where(w => w.Code == "section_old").Select(w => w.Subject!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_retirement_warns_sixty_days_ahead_and_says_how_sure_it_is()
    {
        // Source: Model deprecations. Opus 4.1: 2026-08-05, firm. Opus 4.6: not sooner than 2027-02-05.
        var firm = new DateOnly(2026, 8, 5);
        Assert.Null(Retirement("claude-opus-4-1-20250805", firm.AddDays(-61)));
        Assert.Equal("model_retiring", Retirement("claude-opus-4-1-20250805", firm.AddDays(-60))!.Code);
        Assert.Equal("model_retired", Retirement("claude-opus-4-1-20250805", firm)!.Code);

        var tentative = new DateOnly(2027, 2, 5);
        Assert.Null(Retirement("claude-opus-4-6", tentative.AddDays(-61)));
        var warning = Retirement("claude-opus-4-6", tentative.AddDays(30))!;
        Assert.Equal("model_retiring", warning.Code);
        Assert.Contains("may be retired from 2027-02-05 on", warning.Text, StringComparison.Ordinal);
    }

    private static CatalogWarning? Retirement(string model, DateOnly today) =>
        CatalogFile.Shipped.Warnings(today).SingleOrDefault(w => w.Subject == model && w.Code.StartsWith("model_retir", StringComparison.Ordinal));
}
