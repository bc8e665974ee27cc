using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Scim;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Scim;

/// <summary>What a patch of a group says of its members, without reading who they are.</summary>
internal static class ScimMembers
{
    /// <summary>The ids of a list of members.</summary>
    /// <exception cref="ScimException">One is no person.</exception>
    public static string[] Ids(JsonNode? members)
    {
        if (ScimDocument.Value(ScimSchemas.Group.Schema.Find("members")!, members) is not JsonArray all)
            return [];
        return
        [
            .. all.Select(member =>
            {
                if (ScimPeople.Text(member, "type") is { } type && !type.Equals("User", StringComparison.OrdinalIgnoreCase))
                    throw ScimException.Value($"members: a {Configuration.ConfigText.Printable(type)} cannot be a member. Assign people, not groups of groups.");
                return ScimPeople.Text(member, "value") ?? throw ScimException.Value("members: each needs value, the id of a user.");
            }).Distinct(),
        ];
    }

    /// <summary>Takes the operations on members out of a patch, in order.</summary>
    /// <exception cref="ScimException">One cannot be.</exception>
    public static MemberChange Take(ScimPatch[] patches, out List<ScimPatch> rest)
    {
        var change = new Changing();
        rest = [];
        foreach (var patch in patches)
        {
            if (patch.Path is { } path)
            {
                if (IsMembers(path))
                    change.Add(patch.Op, path, patch.Value);
                else
                    rest.Add(patch);
                continue;
            }
            // Okta sends the id and the name along, without a path.
            var others = new JsonObject();
            foreach (var (name, value) in (JsonObject)patch.Value!)
            {
                var named = ScimFilterParser.ParsePath(name);
                if (IsMembers(named))
                    change.Add(patch.Op, named, value);
                else
                    others[name] = value?.DeepClone();
            }
            rest.Add(patch with { Value = others });
        }
        return change.Done();
    }

    private static bool IsMembers(PatchPath path) => path.Attribute.Schema is null && path.Attribute.Name.Equals("members", StringComparison.OrdinalIgnoreCase);

    private sealed class Changing
    {
        private readonly HashSet<string> _add = new(StringComparer.Ordinal);
        private readonly HashSet<string> _remove = new(StringComparer.Ordinal);
        private bool _all;

        public void Add(string op, PatchPath path, JsonNode? value)
        {
            var ids = path.Where is not null ? Picked(path.Where) : Ids(value);
            switch (op)
            {
                case "remove" when path.Where is null && ids.Length == 0:
                    Clear();
                    break;
                case "remove":
                    _add.ExceptWith(ids);
                    _remove.UnionWith(ids);
                    break;
                case "replace" when path.Where is null:
                    Clear();
                    _add.UnionWith(ids);
                    break;
                default:
                    _remove.ExceptWith(ids);
                    _add.UnionWith(ids);
                    break;
            }
        }

        public MemberChange Done() => new(_all, [.. _remove], [.. _add]);

        private void Clear()
        {
            _all = true;
            _add.Clear();
            _remove.Clear();
        }

        private static string[] Picked(ScimFilter where) => where switch
        {
            OrFilter or => [.. Picked(or.Left), .. Picked(or.Right)],
            CompareFilter { Operator: FilterOperator.Eq, Value: string id } compare when compare.Path.Name.Equals("value", StringComparison.OrdinalIgnoreCase) => [id],
            _ => throw ScimException.Path($"path: members are picked by value eq \"ID\", not by {where}."),
        };
    }
}
