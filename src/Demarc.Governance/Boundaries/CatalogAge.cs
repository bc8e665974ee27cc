namespace Demarc.Governance.Boundaries;

/// <summary>What an operator should know about a catalog; it works nonetheless.</summary>
/// <param name="Code"><c>catalog_old</c>, <c>section_old</c>, <c>model_retired</c>, <c>model_retiring</c> or <c>model_unpriced</c>.</param>
/// <param name="Subject">The section's name or the model's id; null for the whole catalog.</param>
public sealed record CatalogWarning(string Code, string? Subject, string Text);

public sealed partial class Catalog
{
    /// <summary>A part not looked at for longer than this is old, and a retirement this near is near: 60 days.</summary>
    /// <remarks>The vendor gives at least 60 days' notice of a retirement (source: Model deprecations).</remarks>
    public const int FreshDays = 60;

    /// <summary>The day on which the part looked at longest ago was looked at.</summary>
    public DateOnly OldestSeen => Sections.Min(s => s.OldestSeen);

    /// <summary>The date of the oldest source: what was seen lately can still be an old page.</summary>
    public DateOnly OldestSource => Sections.Min(s => s.OldestSource);

    /// <summary>Days since <see cref="OldestSeen"/>; negative when that lies ahead.</summary>
    public int Age(DateOnly today) => today.DayNumber - OldestSeen.DayNumber;

    /// <summary>Every warning of the day: the catalog's age first, then its sections', then models.</summary>
    public IReadOnlyList<CatalogWarning> Warnings(DateOnly today)
    {
        var warnings = new List<CatalogWarning>();
        if (Age(today) > FreshDays)
            warnings.Add(new("catalog_old", null, $"The catalog was last checked {Age(today)} days ago ({OldestSeen:yyyy-MM-dd}); its oldest source is of {OldestSource:yyyy-MM-dd}."));
        foreach (var section in Sections)
        {
            var days = today.DayNumber - section.OldestSeen.DayNumber;
            if (days > FreshDays)
                warnings.Add(new("section_old", section.Name, $"The catalog's {section.Name} were last checked {days} days ago ({section.OldestSeen:yyyy-MM-dd}); their oldest source is of {section.OldestSource:yyyy-MM-dd}."));
        }
        foreach (var model in Models)
        {
            if (Retirement(model, today) is { } retirement)
                warnings.Add(retirement);
            if (model.Status != ModelStatus.Retired && model.PriceOn(today, Spend.Speed.Standard) is null)
                warnings.Add(new("model_unpriced", model.Id, $"{model.Id} has no price in the catalog: it costs the dearest known price until it has one."));
        }
        return warnings;
    }

    private static CatalogWarning? Retirement(CatalogModel model, DateOnly today)
    {
        if (model.Retirement is not { } date)
            return null;
        if (!model.RetirementNotSooner && date <= today)
            return new("model_retired", model.Id, $"{model.Id} was retired on {date:yyyy-MM-dd}.");
        if (date.DayNumber - today.DayNumber > FreshDays)
            return null;
        return new("model_retiring", model.Id, model.RetirementNotSooner
            ? $"{model.Id} may be retired from {date:yyyy-MM-dd} on; the sources name no firm date."
            : $"{model.Id} will be retired on {date:yyyy-MM-dd}.");
    }
}
