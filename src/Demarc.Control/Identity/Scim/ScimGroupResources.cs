using System.Text.Json.Nodes;
using Demarc.Control.Identity.Roles;
using Demarc.Governance;
using Demarc.Governance.Identity.Scim;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Scim;

/// <summary><c>/Groups</c>. Members change by what is added and removed: nobody else is read, however large the group.</summary>
internal sealed class ScimGroupResources(Store store, ISnapshotSource snapshots) : ScimResources<ScimGroup>(ScimSchemas.Group, "members")
{
    public override async Task<ScimAnswer> ListAsync(ScimRequest request, ScimQuery query) =>
        await PageAsync(request, query, await store.ScimGroups.ListAsync(request.OrganizationId, query, Matching(request, query)));

    public override async Task<ScimAnswer> CreateAsync(ScimRequest request)
    {
        var document = ScimDocument.Read(request.Body, Type);
        var blank = new ScimGroup { Id = "", OrganizationId = request.OrganizationId, Name = "", CreatedAt = 0, Version = 1 };
        var (outcome, made) = await store.ScimGroups.CreateAsync(Read(document, blank), ScimMembers.Ids(document["members"]), request.Actor);
        return made is null ? Refused(outcome) : await AnswerAsync(request, 201, made);
    }

    public override Task<ScimAnswer> ReplaceAsync(ScimRequest request)
    {
        var document = ScimDocument.Read(request.Body, Type);
        var members = new MemberChange(true, [], ScimMembers.Ids(document["members"]));
        return ChangeAsync(
            request, before => UpdateAsync(request, before, () => Read(document, before), members), after => AnswerAsync(request, 200, after));
    }

    public override Task<ScimAnswer> PatchAsync(ScimRequest request)
    {
        var members = ScimMembers.Take(ScimPatch.Read(request.Body), out var rest);
        return ChangeAsync(
            request,
            before => UpdateAsync(request, before, () =>
            {
                var document = new JsonObject { ["displayName"] = before.Name, ["externalId"] = before.ExternalId };
                ScimPatch.Apply(rest, document, Type);
                return Read(document, before);
            }, members),
            // Without its thousands of members, unless attributes are asked for.
            async after => request.View.Wanted is null ? ScimAnswer.NoContent with { ETag = ScimRequest.ETag(after.Version) } : await AnswerAsync(request, 200, after));
    }

    protected override Task<ScimGroup?> FindAsync(ScimRequest request) => store.ScimGroups.GetAsync(request.OrganizationId, request.Id!);

    protected override async Task<ScimOutcome> RemoveAsync(ScimRequest request, ScimGroup found, long? version) =>
        await IsClosedAsync(found) ? ScimOutcome.Closed : await store.ScimGroups.DeleteAsync(request.OrganizationId, found.Id, version, request.Actor);

    protected override long Version(ScimGroup resource) => resource.Version;

    protected override async Task<JsonObject[]> ShowAsync(ScimRequest request, ScimGroup[] resources, bool withLinked)
    {
        var members = withLinked && resources.Length > 0
            ? (await store.ScimGroups.MembersAsync(request.OrganizationId, resources.Select(g => g.Id))).ToLookup(m => m.GroupId)
            : null;
        return Array.ConvertAll(resources, group =>
        {
            var shown = new JsonObject { ["schemas"] = new JsonArray(ScimSchemas.GroupId), ["id"] = group.Id, ["displayName"] = group.Name };
            if (group.ExternalId is not null)
                shown["externalId"] = group.ExternalId;
            if (members is not null)
                shown["members"] = new JsonArray([.. members[group.Id].Select(m => Member(m, request.Base))]);
            shown["meta"] = ScimPeople.Meta("Group", group.CreatedAt, group.ModifiedAt, group.Version, $"{request.Base}/Groups/{group.Id}");
            return shown;
        });
    }

    protected override ScimAnswer Refused(ScimOutcome outcome) => outcome switch
    {
        ScimOutcome.Absent => ScimAnswer.Error(404, null, "There is no group with this id."),
        ScimOutcome.Changed => ScimAnswer.Error(412, null, "The group has changed since: read it again, and send its ETag in If-Match."),
        ScimOutcome.NoSuchMember => ScimAnswer.Error(400, "invalidValue", "members: one of them is no user here. Provision people before the groups that they are in."),
        ScimOutcome.Closed => ScimAnswer.Error(403, null, "This group is not the directory's and gives roles, which a second administrator approves. Provision a group of another name, and have the role given to that."),
        _ => ScimAnswer.Error(409, "uniqueness", "displayName: another group has this name."),
    };

    private async Task<(ScimOutcome Outcome, ScimGroup? Group)> UpdateAsync(ScimRequest request, ScimGroup before, Func<ScimGroup> after, MemberChange members) =>
        await IsClosedAsync(before) ? (ScimOutcome.Closed, null) : await store.ScimGroups.UpdateAsync(before, after(), members, request.Actor);

    private Task<bool> IsClosedAsync(ScimGroup group) => GroupRoles.AreClosedAsync(store, snapshots.Current, group.OrganizationId, group.Id, group.Name, group.Source, Groups.Directory);

    private static JsonObject Member(ScimMember member, string address) =>
        new() { ["value"] = member.Id, ["$ref"] = $"{address}/Users/{member.Id}", ["display"] = member.Name, ["type"] = "User" };

    private static ScimGroup Read(JsonObject document, ScimGroup before)
    {
        var name = ScimPeople.Text(document, "displayName") ?? throw ScimException.Value("displayName: this attribute is required.");
        return PrincipalRules.NameProblem(name) is { } wrong
            ? throw ScimException.Value($"displayName: {wrong}")
            : before with { Name = name, ExternalId = ScimPeople.Text(document, "externalId") };
    }
}
