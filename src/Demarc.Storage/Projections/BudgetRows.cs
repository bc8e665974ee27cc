using Demarc.Governance.Evidence;

namespace Demarc.Storage.Projections;

/// <summary>What settlements move from the leases of replicas to the budgets they count towards.</summary>
internal sealed class BudgetRows
{
    private readonly Dictionary<(string Organization, string Meter), long> _budgets = [];
    private readonly Dictionary<(string Organization, string Meter, string Replica), long> _leases = [];

    public void Add(string organizationId, string replica, AttemptRecord attempt, FinishedRecord settled)
    {
        foreach (var meter in attempt.Budgets ?? [])
        {
            _budgets[(organizationId, meter)] = _budgets.GetValueOrDefault((organizationId, meter)) + settled.CostNanoUsd;
            _leases[(organizationId, meter, replica)] = _leases.GetValueOrDefault((organizationId, meter, replica)) - settled.CostNanoUsd;
        }
    }

    // Budgets before leases, each in order, as whoever grants a lease locks them.
    public async Task WriteAsync(StoreTransaction transaction)
    {
        if (_budgets.Count == 0)
            return;
        await transaction.ExecuteManyAsync(
            Tables.Budgets,
            [.. _budgets.OrderBy(b => b.Key).Select(b => new object?[] { b.Key.Organization, b.Key.Meter, b.Value, 0L, "" })]).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(
            Tables.BudgetLeases,
            [.. _leases.OrderBy(l => l.Key).Select(l => new object?[] { l.Key.Organization, l.Key.Meter, l.Key.Replica, l.Value })]).ConfigureAwait(false);
    }
}
