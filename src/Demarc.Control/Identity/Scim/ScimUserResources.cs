using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Scim;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Scim;

/// <summary><c>/Users</c>.</summary>
/// <param name="role">Of people who are made.</param>
internal sealed class ScimUserResources(Store store, Func<string> role) : ScimResources<ScimUser>(ScimSchemas.User, "groups")
{
    public override async Task<ScimAnswer> ListAsync(ScimRequest request, ScimQuery query) =>
        await PageAsync(request, query, await store.ScimUsers.ListAsync(request.OrganizationId, query, Matching(request, query)));

    public override async Task<ScimAnswer> CreateAsync(ScimRequest request)
    {
        var blank = new ScimUser { Id = "", OrganizationId = request.OrganizationId, Email = "", Name = "", Status = "active", CreatedAt = 0, Version = 1 };
        var (outcome, made) = await store.ScimUsers.CreateAsync(ScimPeople.Read(ScimDocument.Read(request.Body, Type), blank), role(), request.Actor);
        return made is null ? Refused(outcome) : await AnswerAsync(request, 201, made);
    }

    public override Task<ScimAnswer> ReplaceAsync(ScimRequest request)
    {
        var document = ScimDocument.Read(request.Body, Type);
        return ChangeAsync(request, before => ScimPeople.Read(document, before));
    }

    public override Task<ScimAnswer> PatchAsync(ScimRequest request)
    {
        var patches = ScimPatch.Read(request.Body);
        return ChangeAsync(request, before =>
        {
            var document = ScimPeople.Document(before);
            ScimPatch.Apply(patches, document, Type);
            return ScimPeople.Read(document, before);
        });
    }

    protected override Task<ScimUser?> FindAsync(ScimRequest request) => store.ScimUsers.GetAsync(request.OrganizationId, request.Id!);

    protected override Task<ScimOutcome> RemoveAsync(ScimRequest request, ScimUser found, long? version) =>
        store.ScimUsers.DeleteAsync(request.OrganizationId, found.Id, version, request.Actor);

    protected override long Version(ScimUser resource) => resource.Version;

    protected override async Task<JsonObject[]> ShowAsync(ScimRequest request, ScimUser[] resources, bool withLinked)
    {
        var groups = withLinked && resources.Length > 0
            ? (await store.ScimUsers.GroupsAsync(request.OrganizationId, resources.Select(u => u.Id))).ToLookup(g => g.UserId)
            : null;
        return Array.ConvertAll(resources, u => ScimPeople.Show(u, groups?[u.Id] ?? [], request.Base));
    }

    protected override ScimAnswer Refused(ScimOutcome outcome) => outcome switch
    {
        ScimOutcome.Absent => ScimAnswer.Error(404, null, "There is no user with this id."),
        ScimOutcome.Changed => ScimAnswer.Error(412, null, "The user has changed since: read it again, and send its ETag in If-Match."),
        ScimOutcome.NameTaken => ScimAnswer.Error(409, "uniqueness", "userName: another user has this name, whatever its case."),
        _ => ScimAnswer.Error(409, "uniqueness", "emails: another user has this address."),
    };

    private Task<ScimAnswer> ChangeAsync(ScimRequest request, Func<ScimUser, ScimUser> change) =>
        ChangeAsync(request, before => store.ScimUsers.UpdateAsync(before, change(before), request.Actor), after => AnswerAsync(request, 200, after));
}
