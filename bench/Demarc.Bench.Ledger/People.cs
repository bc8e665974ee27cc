using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Bench.Ledger;

/// <summary>The organization that the other rows belong to, and people of it with a key each.</summary>
internal static class People
{
    private const int AtOnce = 1000;

    private static readonly ActorRecord Actor = new("cli", "bench");

    public static async Task MakeAsync(Store store, int number)
    {
        await store.WriteAsync(transaction => transaction.ExecuteAsync(
            "INSERT INTO organizations (organization_id, name, created_at) VALUES (@id, 'Bench', 0) ON CONFLICT DO NOTHING", new { id = Year.Organization }));
        for (var first = 0; first < number; first += AtOnce)
            await Task.WhenAll(Enumerable.Range(first, Math.Min(AtOnce, number - first)).Select(n => OneAsync(store, n)));
    }

    private static async Task OneAsync(Store store, int number)
    {
        if (await store.Users.CreateAsync(Year.Organization, $"person-{number}@contoso.example", $"Person {number}", "developer", Actor) is { } user)
            await store.ApiKeys.CreateAsync(new NewApiKey(Year.Organization, ApiKeyKind.Inference, "laptop", "user", user.Id), Actor);
    }
}
