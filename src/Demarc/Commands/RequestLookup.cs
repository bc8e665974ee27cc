using Demarc.Governance.Identity;
using Demarc.Serving;
using Demarc.Storage.Evidence;

namespace Demarc.Commands;

/// <summary>Finds a request by the id that answers carry.</summary>
internal static class RequestLookup
{
    /// <exception cref="CommandException">It is no id, or nothing is on record.</exception>
    public static async Task<RequestOnRecord> FindAsync(Installation installation, string requestId)
    {
        if (!Ids.TryParse(Ids.Request, requestId, out var id))
            throw new CommandException($"{requestId} is no request id: answers carry theirs in demarc-request-id, as {Ids.Request}…");
        return await installation.Store.Requests.FindAsync(installation.Organization.Id, id)
            ?? throw new CommandException($"There is no request {requestId} on record here. A refusal is found a second after it; one whose key was not known leaves no record.");
    }
}
