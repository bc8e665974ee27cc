using System.Collections.Concurrent;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Policy;

/// <summary>
/// What was worked out once for a snapshot and a stretch of time in which no agreement begins or ends: the policies of
/// each principal and the plans under them.
/// </summary>
internal sealed class DecisionTable
{
    // Principals are themselves a bounded cache; past the bound this one starts over.
    private const int MaxPrincipals = 20_000;

    private readonly PolicySnapshot[] _policies;
    private readonly Eligibility _eligibility;
    private readonly DateTimeOffset _from;
    private readonly DateTimeOffset _until;
    private readonly ConcurrentDictionary<Principal, EffectivePolicy> _byPrincipal = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentDictionary<string, EffectivePolicy> _byMatch = new(StringComparer.Ordinal);

    public DecisionTable(GatewaySnapshot snapshot, DateTimeOffset now)
    {
        _policies = snapshot.Policies;
        _eligibility = new Eligibility(snapshot.Catalog, snapshot.Agreements, now);
        var instants = snapshot.Agreements.SelectMany(a => a.Instants).ToArray();
        _from = instants.Where(i => i <= now).DefaultIfEmpty(DateTimeOffset.MinValue).Max();
        _until = instants.Where(i => i > now).DefaultIfEmpty(DateTimeOffset.MaxValue).Min();
    }

    public bool Holds(DateTimeOffset now) => _from <= now && now < _until;

    public Eligibility Eligibility => _eligibility;

    public EffectivePolicy PolicyOf(Principal principal)
    {
        if (_byPrincipal.TryGetValue(principal, out var known))
            return known;
        // Who matches the same policies shares their plans.
        var match = string.Create(_policies.Length, (_policies, principal), static (text, state) =>
        {
            for (var i = 0; i < text.Length; i++)
                text[i] = state._policies[i].Matches(state.principal) ? '1' : '0';
        });
        // And the same places to ask at: where roles say nothing of places, that is nothing more.
        var policy = principal.Access.AsksEverywhere
            ? _byMatch.GetOrAdd(match, static (key, table) => table.Combine(key, null), this)
            : _byMatch.GetOrAdd($"{match} {principal.Workspace?.Id} {principal.Access.Rules}", static (_, state) => state.Table.Combine(state.Match, state.Principal), (Table: this, Match: match, Principal: principal));
        if (_byPrincipal.Count >= MaxPrincipals)
        {
            _byPrincipal.Clear();
            _byMatch.Clear();
        }
        _byPrincipal[principal] = policy;
        return policy;
    }

    private EffectivePolicy Combine(string match, Principal? placed) =>
        new([.. _policies.Where((_, i) => match[i] == '1')], _eligibility, placed);
}
