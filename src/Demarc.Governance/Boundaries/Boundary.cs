namespace Demarc.Governance.Boundaries;

/// <summary>
/// What is true of one deployment's data path, hop by hop: the catalog's view of its hosting, with the deployment's own
/// region, scope and model filled in, under what the operator declares. Immutable, computed when a snapshot is built.
/// </summary>
public sealed class Boundary
{
    private static readonly int Kinds = Enum.GetValues<FactKind>().Length;
    private readonly Fact[] _facts;

    private Boundary(Fact[] facts)
    {
        _facts = facts;
        Processor = this[Hop.Inference, FactKind.Processor].Text;
        Inference = this[Hop.Inference, FactKind.Geography].Text;
        Retention = this[Hop.Storage, FactKind.RetentionDays] is { Days: { } days } ? $"{days}d" : "unknown";
    }

    /// <summary>Of which nothing is known: every requirement on it fails.</summary>
    public static readonly Boundary Unknown = new(NoFacts());

    /// <summary>Who processes content, for receipts.</summary>
    public string Processor { get; }

    /// <summary>Where inference runs, for receipts.</summary>
    public string Inference { get; }

    /// <summary>How long the provider keeps content, as <c>30d</c>, for receipts; <c>unknown</c> where nobody says.</summary>
    public string Retention { get; }

    public Fact this[Hop hop, FactKind kind] => _facts[((int)hop * Kinds) + (int)kind];

    public Fact this[FactName name] => this[name.Hop, name.Kind];

    /// <summary>
    /// True when an answer's <c>usage.inference_geo</c> names a place that the boundary does not allow. <c>global</c> counts
    /// where the platform takes a geography with the request; elsewhere it says no more than that none was asked for.
    /// </summary>
    internal bool IsContradicted(string geography, Platform platform)
    {
        var allowed = this[Hop.Inference, FactKind.Geography];
        if (!allowed.IsSettled || allowed.Has(Geography.Anywhere) || geography is "" or "not_available" or "unknown")
            return false;
        if (geography == Geography.Anywhere)
            return platform is Platform.Anthropic or Platform.AnthropicAws;
        foreach (var place in allowed.Values)
        {
            if (Geography.IsWithin(geography, place) || Geography.IsWithin(place, geography))
                return false;
        }
        return true;
    }

    /// <summary>Every fact that a hop can have, known or not.</summary>
    public IEnumerable<(FactName Name, Fact Fact)> Facts =>
        from hop in Enum.GetValues<Hop>() from kind in FactKinds.Of(hop) select (new FactName(hop, kind), this[hop, kind]);

    /// <summary>The boundary of a deployment on a day.</summary>
    /// <param name="declarations">From the most general to the most special: a later one holds over an earlier one.</param>
    public static Boundary Of(Catalog catalog, DeploymentSnapshot deployment, DateOnly day, IEnumerable<FactDeclaration> declarations)
    {
        var platform = catalog.PlatformOf(deployment.Resource.Platform);
        var facts = NoFacts();
        if (platform.On(deployment.Hosting)?.ViewOn(day) is { } view)
        {
            foreach (var (name, statements) in view.Statements)
                facts[Slot(name)] = Fact.Of(name.Kind == FactKind.Geography ? Placed(statements, deployment, platform) : statements);
        }
        if (catalog.FindModel(deployment.Model) is { RetentionDays: { } required } model)
            Require(facts, required, model);
        foreach (var declared in declarations)
        {
            var slot = Slot(declared.Fact);
            facts[slot] = facts[slot] with { Status = FactStatus.Declared, Values = declared.Values, Declaration = declared };
        }
        return new Boundary(facts);
    }

    /// <summary>The same with what a check found in place of what was declared.</summary>
    public Boundary With(BoundaryCheck check)
    {
        var facts = (Fact[])_facts.Clone();
        foreach (var found in check.Facts)
        {
            if (found.Values is null || !FactName.All.TryGetValue(found.Name, out var name))
                continue;
            var slot = Slot(name);
            facts[slot] = facts[slot] with
            {
                Status = check.Observed ? FactStatus.Observed : FactStatus.Verified,
                Values = found.Values,
                Check = new FactCheck(check.Source, DateOnly.FromDateTime(check.At.UtcDateTime)),
            };
        }
        return new Boundary(facts);
    }

    // A model that its maker covers with retention keeps content wherever it is offered.
    private static void Require(Fact[] facts, int days, CatalogModel model)
    {
        var slot = Slot(new FactName(Hop.Storage, FactKind.RetentionDays));
        if (facts[slot].Days is not { } known || known < days)
            facts[slot] = Fact.Of([new([days.ToString(System.Globalization.CultureInfo.InvariantCulture)], model.RetentionSources)]);
        facts[Slot(new FactName(Hop.Storage, FactKind.Zdr))] = Fact.Of([new(["no"], model.RetentionSources)]);
    }

    private static FactStatement[] Placed(FactStatement[] statements, DeploymentSnapshot deployment, CatalogPlatform platform)
    {
        var placed = new List<FactStatement>(statements.Length);
        // A place that nobody knows leaves the whole fact unknown: half a dispute would read as settled.
        foreach (var statement in statements)
        {
            string?[] places =
            [
                .. statement.Values.Select(value => value switch
                {
                    "{scope}" => Geography.OfScope(deployment.Scope, platform),
                    "{region}" => Geography.OfRegion(deployment.Resource.Region, platform),
                    _ => value,
                }),
            ];
            if (Array.Exists(places, place => place is null))
                return [];
            placed.Add(statement with { Values = places! });
        }
        return [.. placed];
    }

    private static Fact[] NoFacts()
    {
        var facts = new Fact[Enum.GetValues<Hop>().Length * Kinds];
        Array.Fill(facts, Fact.Unknown);
        return facts;
    }

    private static int Slot(FactName name) => ((int)name.Hop * Kinds) + (int)name.Kind;
}
