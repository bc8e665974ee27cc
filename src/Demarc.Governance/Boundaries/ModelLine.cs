using System.Globalization;

namespace Demarc.Governance.Boundaries;

/// <summary>The line that a model belongs to (Opus, Sonnet, Haiku, …) and its place in it, read from the name the vendor gives it.</summary>
public static class ModelLine
{
    /// <summary>The line, as <c>Sonnet</c>; empty for models from before there were any.</summary>
    public static string LineOf(CatalogModel model) => Words(model).FirstOrDefault(w => char.IsLetter(w[0])) ?? "";

    /// <summary>Active models of the same line that came later, newest first.</summary>
    public static CatalogModel[] Newer(Catalog catalog, CatalogModel model) =>
        [.. catalog.Models.Where(m => m.Status == ModelStatus.Active && LineOf(m) == LineOf(model) && Compare(m, model) > 0).OrderDescending(Comparer<CatalogModel>.Create(Compare))];

    // By version, then by release: two of Sonnet 3.5 differ in their month only.
    private static int Compare(CatalogModel one, CatalogModel other)
    {
        var byVersion = VersionOf(one).CompareTo(VersionOf(other));
        return byVersion != 0 ? byVersion : Nullable.Compare(one.Released, other.Released);
    }

    // A preview has no number, and comes before what has.
    private static decimal VersionOf(CatalogModel model) =>
        Words(model).Select(w => decimal.TryParse(w, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var version) ? version : -1).DefaultIfEmpty(-1).Max();

    private static IEnumerable<string> Words(CatalogModel model) =>
        model.Name.Split('(')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(w => w != "Claude");
}
