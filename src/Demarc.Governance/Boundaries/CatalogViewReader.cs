using System.Collections.Frozen;

namespace Demarc.Governance.Boundaries;

/// <summary>Reads the <c>boundaries</c> of a hosting option. A fact is a value, with the sources of its hop, or an object with its own.</summary>
internal static class CatalogViewReader
{
    private const string Section = "boundaries";

    public static CatalogView[] Read(JsonFields hosting, CatalogContents contents)
    {
        var views = new List<CatalogView>();
        foreach (var fields in hosting.Objects(Section))
        {
            var view = new CatalogView(fields.OptionalDate("from"), fields.OptionalDate("until"), contents.SourcesOf(fields, Section), ReadHops(fields.Object("hops"), contents));
            if (view.Until <= view.From)
                fields.Wrong("until", "a view ends after its first day");
            if (views.Exists(other => Overlap(other, view)))
                fields.Wrong("from", "two views hold on the same day; end the older one with \"until\"");
            views.Add(view);
            fields.Done();
        }
        if (views.Count == 0)
            hosting.Wrong(Section, "a hosting option needs at least one view of its data path");
        return [.. views.OrderBy(v => v.From ?? DateOnly.MinValue)];
    }

    private static FrozenDictionary<FactName, FactStatement[]> ReadHops(JsonFields hops, CatalogContents contents)
    {
        var facts = new Dictionary<FactName, FactStatement[]>();
        foreach (var hop in Enum.GetValues<Hop>())
        {
            if (!hops.Has(hop.Wire()))
                continue;
            var fields = hops.Object(hop.Wire());
            var sources = contents.SourcesOf(fields, Section);
            foreach (var kind in FactKinds.Of(hop))
            {
                if (fields.Has(kind.Wire()))
                    facts[new FactName(hop, kind)] = ReadFact(fields, kind, sources, contents);
            }
            fields.Done();
        }
        hops.Done();
        return facts.ToFrozenDictionary();
    }

    private static FactStatement[] ReadFact(JsonFields hop, FactKind kind, CatalogSource[] sources, CatalogContents contents)
    {
        var name = kind.Wire();
        if (!hop.IsObject(name))
            return [new(Values(hop, name, kind), sources)];
        var fields = hop.Object(name);
        if (!fields.Has("disputed"))
            return [ReadStatement(fields, kind, contents)];
        FactStatement[] statements = [.. fields.Objects("disputed").Select(s => ReadStatement(s, kind, contents))];
        if (statements.Length < 2)
            fields.Wrong("disputed", "a dispute needs two statements");
        fields.Done();
        return statements;
    }

    private static FactStatement ReadStatement(JsonFields fields, FactKind kind, CatalogContents contents)
    {
        var statement = new FactStatement(Values(fields, "value", kind), contents.SourcesOf(fields, Section));
        fields.Done();
        return statement;
    }

    private static string[] Values(JsonFields fields, string field, FactKind kind)
    {
        var values = fields.OneOrMore(field);
        foreach (var value in values)
        {
            if (kind.Words() is { } words && Array.IndexOf(words, value) < 0)
                fields.Wrong(field, $"'{value}' is none of {string.Join(", ", words)}");
            else if (kind.CountsDays() && !int.TryParse(value, out _))
                fields.Wrong(field, $"'{value}' is no number of days; write it like \"30\"");
        }
        if (values.Length > 1 && !kind.IsList())
            fields.Wrong(field, "one value is expected");
        return values;
    }

    private static bool Overlap(CatalogView a, CatalogView b) =>
        (a.Until is null || b.From is null || b.From < a.Until) && (b.Until is null || a.From is null || a.From < b.Until);
}
