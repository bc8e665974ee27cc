using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Scim;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Scim;

/// <summary>A kind of resource, as requests and operations of a bulk request ask for it: people, and groups.</summary>
internal abstract class ScimResources(ScimType type)
{
    public ScimType Type { get; } = type;

    public abstract Task<ScimAnswer> ListAsync(ScimRequest request, ScimQuery query);

    public abstract Task<ScimAnswer> GetAsync(ScimRequest request);

    public abstract Task<ScimAnswer> CreateAsync(ScimRequest request);

    public abstract Task<ScimAnswer> ReplaceAsync(ScimRequest request);

    public abstract Task<ScimAnswer> PatchAsync(ScimRequest request);

    public abstract Task<ScimAnswer> DeleteAsync(ScimRequest request);
}

/// <summary>What is the same of both kinds: ETags, and changes that are made anew when another came between.</summary>
/// <param name="linked">The attribute that is read apart, and only where it is shown: a person's groups, a group's members.</param>
internal abstract class ScimResources<T>(ScimType type, string linked) : ScimResources(type)
    where T : class
{
    // As often as this a change is made anew.
    private const int Tries = 5;

    public override async Task<ScimAnswer> GetAsync(ScimRequest request) =>
        await FindAsync(request) is { } found ? await AnswerAsync(request, 200, found) : Refused(ScimOutcome.Absent);

    public override async Task<ScimAnswer> DeleteAsync(ScimRequest request)
    {
        if (await FindAsync(request) is not { } found)
            return Refused(ScimOutcome.Absent);
        if (!request.Meets(ScimRequest.ETag(Version(found))))
            return Refused(ScimOutcome.Changed);
        var outcome = await RemoveAsync(request, found, request.IfMatch is null ? null : Version(found));
        return outcome == ScimOutcome.Done ? ScimAnswer.NoContent : Refused(outcome);
    }

    protected abstract Task<T?> FindAsync(ScimRequest request);

    /// <param name="version">The one it must still have; null for whichever.</param>
    protected abstract Task<ScimOutcome> RemoveAsync(ScimRequest request, T found, long? version);

    protected abstract long Version(T resource);

    protected abstract Task<JsonObject[]> ShowAsync(ScimRequest request, T[] resources, bool withLinked);

    protected abstract ScimAnswer Refused(ScimOutcome outcome);

    protected async Task<ScimAnswer> PageAsync(ScimRequest request, ScimQuery query, ScimPage<T> page)
    {
        var shown = await ShowAsync(request, page.Resources, request.View.Shows(linked));
        return ScimAnswer.List(page.Total, query.StartIndex, shown.Select(request.View.Of));
    }

    /// <summary>Whether each of some resources matches a filter.</summary>
    protected Func<T[], Task<bool[]>> Matching(ScimRequest request, ScimQuery query) => async resources =>
    {
        var shown = await ShowAsync(request, resources, withLinked: query.Filter!.ToString()!.Contains(linked, StringComparison.OrdinalIgnoreCase));
        return Array.ConvertAll(shown, one => ScimMatch.Matches(query.Filter, one, Type));
    };

    /// <param name="change">Writes the change of what is found.</param>
    /// <param name="answer">What is answered when it is written.</param>
    protected async Task<ScimAnswer> ChangeAsync(ScimRequest request, Func<T, Task<(ScimOutcome, T?)>> change, Func<T, Task<ScimAnswer>> answer)
    {
        for (var left = Tries; ; left--)
        {
            if (await FindAsync(request) is not { } before)
                return Refused(ScimOutcome.Absent);
            if (!request.Meets(ScimRequest.ETag(Version(before))))
                return Refused(ScimOutcome.Changed);
            var (outcome, after) = await change(before);
            if (after is not null)
                return await answer(after);
            if (outcome != ScimOutcome.Changed || left == 0)
                return Refused(outcome);
        }
    }

    protected async Task<ScimAnswer> AnswerAsync(ScimRequest request, int status, T resource)
    {
        var tag = ScimRequest.ETag(Version(resource));
        if (request.Method == "GET" && request.Knows(tag))
            return new(304, null, tag);
        var shown = await ShowAsync(request, [resource], request.View.Shows(linked));
        return new(status, request.View.Of(shown[0]), tag, ScimPeople.Text(shown[0]["meta"], "location"));
    }
}
