using Dapper;
using Demarc.Governance.Identity.Scim;

namespace Demarc.Storage.Directory;

/// <summary>What of a listing is asked for (RFC 7644, 3.4.2).</summary>
/// <param name="Filter">Null for everything.</param>
/// <param name="StartIndex">From 1.</param>
/// <param name="Count">How many at most; 0 for their number alone.</param>
/// <param name="SortBy">Null for the order in which they were made.</param>
public sealed record ScimQuery(ScimFilter? Filter, int StartIndex, int Count, AttributePath? SortBy, bool Descending);

/// <param name="Total">How many match, on all pages.</param>
public sealed record ScimPage<T>(int Total, T[] Resources);

/// <summary>Lists a table by filter: in the database as far as it can tell, the rest row by row.</summary>
/// <param name="columns">What can be filtered by, and sorted but for conditions.</param>
internal sealed class ScimListing<T>(Store store, string select, IReadOnlyDictionary<string, ScimColumn> columns)
{
    /// <param name="matches">Whether a row matches the whole filter; asked where the database could not tell.</param>
    /// <exception cref="ScimException">It cannot be sorted by that.</exception>
    public async Task<ScimPage<T>> ListAsync(string organizationId, ScimQuery query, Func<T[], Task<bool[]>> matches)
    {
        var values = new DynamicParameters();
        values.Add("organizationId", organizationId);
        var condition = query.Filter is null ? ScimCondition.All : ScimCondition.Of(query.Filter, columns, values);
        var where = $" WHERE organization_id = @organizationId{(condition.Where is null ? "" : $" AND {condition.Where}")}";
        var order = $" ORDER BY {Order(query)}id";
        return condition.IsExact
            ? await PageAsync(where, order, query, values).ConfigureAwait(false)
            : await ScanAsync(where, order, query, values, matches).ConfigureAwait(false);
    }

    private async Task<ScimPage<T>> PageAsync(string where, string order, ScimQuery query, DynamicParameters values)
    {
        values.Add("count", query.Count);
        values.Add("offset", query.StartIndex - 1);
        var rows = query.Count == 0 ? [] : await store.QueryAsync<T>($"{select}{where}{order} LIMIT @count OFFSET @offset", values).ConfigureAwait(false);
        // A page that is not full, and not past the end, tells the number of all.
        if (rows.Length < query.Count && (rows.Length > 0 || query.StartIndex == 1))
            return new(query.StartIndex - 1 + rows.Length, rows);
        return new((int)await store.FindAsync<long>($"SELECT count(*) FROM ({select}{where}) AS t", values).ConfigureAwait(false), rows);
    }

    private async Task<ScimPage<T>> ScanAsync(string where, string order, ScimQuery query, DynamicParameters values, Func<T[], Task<bool[]>> matches)
    {
        const int atOnce = 500;
        var (total, page) = (0, new List<T>());
        var connection = await store.OpenReadAsync().ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var batch = new List<T>(atOnce);
            await foreach (var row in connection.QueryUnbufferedAsync<T>(select + where + order, values).ConfigureAwait(false))
            {
                batch.Add(row);
                if (batch.Count == atOnce)
                    await TakeAsync(batch).ConfigureAwait(false);
            }
            await TakeAsync(batch).ConfigureAwait(false);
        }
        return new(total, [.. page]);

        async Task TakeAsync(List<T> batch)
        {
            T[] rows = [.. batch];
            batch.Clear();
            var answers = await matches(rows).ConfigureAwait(false);
            for (var i = 0; i < rows.Length; i++)
                if (answers[i] && ++total >= query.StartIndex && page.Count < query.Count)
                    page.Add(rows[i]);
        }
    }

    private string Order(ScimQuery query)
    {
        if (query.SortBy is not { } by)
            return "";
        if (by.Schema is null && columns.GetValueOrDefault(by.ToString().ToLowerInvariant()) is { Kind: not ScimColumnKind.Condition } column)
            return $"{(column.Kind is ScimColumnKind.Written ? $"lower({column.Sql})" : column.Sql)} {(query.Descending ? "DESC" : "ASC")}, ";
        throw ScimException.Value($"sortBy: {by} is not sorted by. There are {string.Join(", ", columns.Where(c => c.Value.Kind is not ScimColumnKind.Condition).Select(c => c.Key))}.");
    }
}
