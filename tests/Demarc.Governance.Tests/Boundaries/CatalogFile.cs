using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Tests.Boundaries;

/// <summary>The catalog that is shipped, as the build put it beside the tests.</summary>
internal static class CatalogFile
{
    public static readonly byte[] Bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "catalog", "catalog.json"));

    public static readonly Catalog Shipped = Catalog.Parse(Bytes);

    /// <summary>A day on which every price of the shipped file that has no end holds.</summary>
    public static readonly DateOnly Day = new(2026, 11, 22);
}
