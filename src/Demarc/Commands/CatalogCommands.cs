using System.CommandLine;
using System.Globalization;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Spend;

namespace Demarc.Commands;

/// <summary><c>demarc model</c> and <c>demarc catalog</c>: the general facts that decisions and prices rest on.</summary>
internal static class CatalogCommands
{
    public static Command CreateModel() => new Command("model", "Models, as the catalog has them") { Models(), OutdatedCommand.Create() }.Also("models");

    public static Command CreateCatalog() => new("catalog", "The catalog of platforms, models and prices") { Show() };

    private static Command Models() => new Command("list", "List the models with prices and retirement").Runs(context =>
    {
        var (catalog, today) = (context.Catalog, context.Today);
        var warnings = catalog.Warnings(today).ToLookup(w => w.Subject, w => w.Text);
        context.Output.List(
            [.. catalog.Models.Select(m => (Model: m, m.PriceOn(today, Speed.Standard)?.Price))],
            m => new
            {
                m.Model.Id,
                m.Model.Name,
                Status = Wire(m.Model.Status),
                Retirement = Day(m.Model),
                InputUsdPerMillion = Usd(m.Price?.Input),
                OutputUsdPerMillion = Usd(m.Price?.Output),
                CacheReadUsdPerMillion = Usd(m.Price?.CacheRead),
                Platforms = m.Model.Offers.Select(o => o.Platform.Wire()),
                Warnings = warnings[m.Model.Id],
            },
            "The catalog has no models.",
            ["id", "status", "retires", "input/M", "output/M", "platforms", "warnings"],
            m =>
            [
                m.Model.Id, Wire(m.Model.Status), Retires(m.Model), Usd(m.Price?.Input), Usd(m.Price?.Output),
                string.Join(", ", m.Model.Offers.Select(o => o.Platform.Wire())), string.Join(" ", warnings[m.Model.Id]),
            ]);
        return Task.CompletedTask;
    });

    private static Command Show() => new Command("show", "Show the catalog's age, its parts and what it warns of").Runs(context =>
    {
        var (catalog, today) = (context.Catalog, context.Today);
        var warnings = catalog.Warnings(today);
        context.Output.One(
            new
            {
                catalog.Hash,
                AgeDays = catalog.Age(today),
                catalog.OldestSeen,
                catalog.OldestSource,
                Sections = catalog.Sections.Select(s => new { s.Name, s.Facts, s.OldestSeen, s.OldestSource }),
                Warnings = warnings,
            },
            [
                ("catalog", catalog.Hash),
                ("last checked", $"{Iso(catalog.OldestSeen)} ({catalog.Age(today)} days ago)"),
                ("oldest source", Iso(catalog.OldestSource)),
                .. catalog.Sections.Select(s => (s.Name, (string?)$"{s.Facts} facts, last checked {Iso(s.OldestSeen)}")),
                .. warnings.Select(w => ("warning", (string?)w.Text)),
            ]);
        return Task.CompletedTask;
    });

    private static string? Retires(CatalogModel model) => Day(model) is { } day ? (model.RetirementNotSooner ? "not before " : "") + day : null;

    private static string? Day(CatalogModel model) => model.Retirement is { } day ? Iso(day) : null;

    private static string Iso(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Wire(ModelStatus status) => status.ToString().ToLowerInvariant();

    private static string? Usd(long? nano) => nano is { } value ? NanoDollars.Format(value) : null;
}
