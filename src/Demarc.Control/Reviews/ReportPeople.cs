using System.Security.Cryptography;
using System.Text;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Reviews;

namespace Demarc.Control.Reviews;

/// <summary>
/// How reports show people: under a pseudonym, the same in every report, until a review of theirs is in force; as one row where
/// they are too few to hide among each other. By name where the operator chose that.
/// </summary>
public sealed class ReportPeople
{
    private readonly GatewaySnapshot _snapshot;
    private readonly byte[] _key;
    private readonly Dictionary<string, string> _addresses;
    private readonly HashSet<string>? _reviewed;

    private ReportPeople(GatewaySnapshot snapshot, byte[] key, Dictionary<string, string> addresses, HashSet<string>? reviewed) =>
        (_snapshot, _key, _addresses, _reviewed) = (snapshot, key, addresses, reviewed);

    /// <summary>What stands for people who are too few.</summary>
    public string Few => $"(fewer than {_snapshot.SmallestGroup} people)";

    /// <param name="key">Of the installation; the same on every replica.</param>
    /// <param name="readerId">Who reads the report: reviews are for a reader. Null on the command line, for whose host all are.</param>
    public static async Task<ReportPeople> LoadAsync(Store store, string organizationId, GatewaySnapshot snapshot, byte[] key, string? readerId)
    {
        var reviews = (await store.Reviews.InForceAsync(organizationId)).Where(r => readerId is null || r.ReaderId == readerId).ToArray();
        var users = snapshot.NamesPeople || reviews.Length > 0
            ? (await Pages.AllAsync(page => store.Users.ListAsync(organizationId, page), u => u.Id)).ToDictionary(u => u.Id, u => u.Email)
            : [];
        if (snapshot.NamesPeople || Array.Exists(reviews, r => r.Scope == "organization"))
            return new ReportPeople(snapshot, key, users, null);
        var named = new HashSet<string>();
        foreach (var review in reviews)
            named.UnionWith(review.Scope switch
            {
                "user" => [review.ScopeId],
                "group" => await store.Groups.MembersAsync(organizationId, review.ScopeId),
                _ => [],
            });
        return new ReportPeople(snapshot, key, users, named);
    }

    /// <summary>An address where it may be shown, else a pseudonym; the id of who is no person.</summary>
    public string Of(string principalId) =>
        !principalId.StartsWith(Ids.User, StringComparison.Ordinal) ? principalId
        : IsNamed(principalId) ? _addresses.GetValueOrDefault(principalId, principalId)
        : "person_" + Base62.Encode(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(principalId)).AsSpan(0, 16));

    /// <summary>Whether these people stand as one row: fewer than may be shown, and not named.</summary>
    public bool AreFew(IEnumerable<string> principalIds)
    {
        if (_reviewed is null)
            return false;
        var people = principalIds.Where(id => id.StartsWith(Ids.User, StringComparison.Ordinal)).Distinct().ToArray();
        return people.Length > 0 && people.Length < _snapshot.SmallestGroup && !Array.TrueForAll(people, IsNamed);
    }

    /// <summary>Whether somebody's name may be shown.</summary>
    public bool IsNamed(string principalId) => _reviewed is null || _reviewed.Contains(principalId);
}

/// <summary>The installation's key of pseudonyms.</summary>
public sealed record PseudonymKey(byte[] Key)
{
    public const string Purpose = "demarc report people";
}
