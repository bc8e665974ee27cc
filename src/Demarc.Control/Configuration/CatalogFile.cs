using System.Security.Cryptography;
using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>A catalog that the configuration names in place of the shipped one; each of its problems is one of the configuration.</summary>
internal static class CatalogFile
{
    // A reload seldom changes it, and it is the largest of all files.
    private static (string Hash, Catalog Catalog)? _last;

    public static Catalog? Read(TextNode node, byte[] bytes, ConfigReading reading)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (_last is { } last && last.Hash == hash)
            return last.Catalog;
        try
        {
            var catalog = Catalog.Parse(bytes);
            _last = (hash, catalog);
            return catalog;
        }
        catch (CatalogException e)
        {
            foreach (var problem in e.Problems)
                reading.Error(node, $"{ConfigText.Quote(node.Value)} cannot be used: {problem.Path}: {problem.Message}");
            return null;
        }
    }
}
