namespace Demarc.Storage;

/// <summary>A page of a listing, newest first.</summary>
/// <param name="HasMore">Whether more follows in the direction that was asked for.</param>
public sealed record Page<T>(T[] Data, bool HasMore)
{
    /// <summary>Cuts a read of one row more than the page holds, and turns one that was read towards the newest.</summary>
    internal static Page<T> Cut(T[] rows, int limit, bool towardsNewest)
    {
        var page = rows.Length > limit ? rows[..limit] : rows;
        if (towardsNewest)
            Array.Reverse(page);
        return new Page<T>(page, rows.Length > limit);
    }
}

/// <summary>Where a page of a listing by id starts: after (older than) or before (newer than) an id, or at the newest.</summary>
/// <param name="Limit">1 to 1000; the Admin API's default is 20.</param>
public sealed record PageRequest(string? AfterId = null, string? BeforeId = null, int Limit = 20)
{
    /// <summary>The condition, to follow others.</summary>
    internal string Where => BeforeId != null ? " AND id > @BeforeId" : AfterId != null ? " AND id < @AfterId" : "";

    internal string Order => $" ORDER BY id {(BeforeId != null ? "ASC" : "DESC")} LIMIT {Limit + 1}";

    /// <summary>The page of a listing that is in memory, newest first.</summary>
    public Page<T> Of<T>(T[] rows, Func<T, string> id)
    {
        var rest = AfterId is not null ? Array.FindAll(rows, r => string.CompareOrdinal(id(r), AfterId) < 0)
            : BeforeId is not null ? [.. rows.Where(r => string.CompareOrdinal(id(r), BeforeId) > 0).Reverse()]
            : rows;
        return Page<T>.Cut([.. rest.Take(Limit + 1)], Limit, BeforeId is not null);
    }

    internal Page<T> Cut<T>(T[] rows) => Page<T>.Cut(rows, Limit, BeforeId != null);
}

/// <summary>Whole listings.</summary>
public static class Pages
{
    /// <summary>Everything of a listing by id, newest first.</summary>
    public static async Task<T[]> AllAsync<T>(Func<PageRequest, Task<Page<T>>> list, Func<T, string> id)
    {
        var all = new List<T>();
        Page<T> page;
        do
        {
            page = await list(new PageRequest(AfterId: all.Count > 0 ? id(all[^1]) : null, Limit: 1000)).ConfigureAwait(false);
            all.AddRange(page.Data);
        }
        while (page.HasMore);
        return [.. all];
    }
}
