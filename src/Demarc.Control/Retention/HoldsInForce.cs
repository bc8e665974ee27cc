using System.Text.Json;
using Demarc.Storage;
using Demarc.Storage.Retention;

namespace Demarc.Control.Retention;

/// <summary>The holds that hold now, with who is in their groups now.</summary>
public sealed class HoldsInForce
{
    private readonly (LegalHold Hold, IReadOnlySet<string> Members)[] _holds;

    private HoldsInForce((LegalHold, IReadOnlySet<string>)[] holds) => _holds = holds;

    public static HoldsInForce None { get; } = new([]);

    public bool Any => _holds.Length > 0;

    /// <summary>Whether everything is held, whoever's it is.</summary>
    public bool HoldAll => Array.Exists(_holds, h => h.Hold.SubjectType == "organization");

    /// <summary>People and service accounts of whom something is held.</summary>
    public IReadOnlySet<string> People =>
        _holds.SelectMany(h => h.Hold.SubjectType switch
        {
            "user" => [h.Hold.SubjectId],
            "group" => h.Members.Concat(JsonSerializer.Deserialize<string[]>(h.Hold.Members)!),
            _ => Enumerable.Empty<string>(),
        }).ToHashSet();

    public static async Task<HoldsInForce> LoadAsync(Store store, string organizationId)
    {
        var holds = new List<(LegalHold, IReadOnlySet<string>)>();
        foreach (var hold in await store.LegalHolds.InForceAsync(organizationId))
            holds.Add((hold, hold.SubjectType == "group" ? (await store.Groups.MembersAsync(organizationId, hold.SubjectId)).ToHashSet() : new HashSet<string>()));
        return new HoldsInForce([.. holds]);
    }

    /// <summary>The hold on something; null when none is on it. See <see cref="LegalHold.Covers"/>.</summary>
    public LegalHold? On(string principalId, string? sessionId, long first, long last) =>
        Array.Find(_holds, h => h.Hold.Covers(principalId, sessionId, h.Members, first, last)).Hold;
}
