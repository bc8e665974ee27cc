using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Control.AdminApi;
using Demarc.Control.Identity;
using Demarc.Governance.Identity;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc key</c>.</summary>
internal static class KeyCommands
{
    private const string ExpiresRule = "give days from now (90d), or the UTC day at whose start the key ends (2027-01-31)";

    public static Command Create() => new("key", "API keys") { New(), List(), Show(), Revoke() };

    private static Command New()
    {
        var user = new Option<string?>("--user") { Description = "The person the key acts as: an address or a user_… id" };
        var account = new Option<string?>("--service-account") { Description = "The service account the key acts as: a name or a svac_… id" };
        var name = new Option<string>("--name") { Description = "What the key is for", Required = true };
        var kind = new Option<string>("--kind") { Description = "inference asks models, admin administers, compliance reads records", DefaultValueFactory = _ => "inference" };
        kind.AcceptOnlyFromAmong("inference", "admin", "compliance");
        var expires = new Option<string?>("--expires") { Description = $"When it ends: {ExpiresRule}; default never" };
        var workspace = new Option<string?>("--workspace") { Description = "The workspace it is in: a name or a wrkspc_… id; default the project's, else the default one" };
        var project = new Option<string?>("--project") { Description = "The one project it is for: a name or a claude_proj_… id; default any" };
        return new Command("create", "Make a key, and show it this once") { user, account, name, kind, expires, workspace, project }.Runs(async context =>
        {
            if (context.Get(user) is null == context.Get(account) is null)
                throw new CommandException("Whose key is it? Give either --user or --service-account.");
            if (PrincipalRules.NameProblem(context.Get(name)!) is { } problem)
                throw new CommandException($"--name: {problem}");
            ApiKey.TryKind(context.Get(kind)!, out var kindOfKey);
            var end = End(context.Get(expires), context.Time.GetUtcNow());

            var installation = await context.OpenAsync();
            var lookup = new DirectoryLookup(installation);
            var (type, id, owner, status) = await OwnerAsync(lookup, context.Get(user), context.Get(account));
            if (status != "active")
                throw new CommandException($"{owner} is inactive: a key would not hold.");
            var (inWorkspace, forProject) = await PlaceAsync(lookup, context.Get(workspace), context.Get(project));
            if (forProject is not null && (await installation.Store.Projects.OfMemberAsync(id)).All(p => p.Id != forProject))
                throw new CommandException($"{owner} is no member of {context.Get(project)}: a key would not hold. Add them: demarc project add \"{context.Get(project)}\" {owner}");
            var (key, secret) = await installation.Store.ApiKeys.CreateAsync(
                new NewApiKey(installation.Organization.Id, kindOfKey, context.Get(name)!, type, id, inWorkspace, end, ProjectId: forProject), context.Actor);
            var shape = Shape(key, owner);
            shape.Add("key", JsonValue.Create(secret.Reveal()));
            context.Output.Secret(
                shape, secret.Reveal(),
                $"{key.Id}: {key.Kind} key of {owner}, {(end is null ? "does not expire" : $"ends {Output.Minute(key.ExpiresAt)}")}. It is not shown again.");
        });
    }

    private static Command List() => new Command("list", "List the keys, newest first").Runs(async context =>
    {
        var lookup = new DirectoryLookup(await context.OpenAsync());
        var names = await lookup.NamesAsync();
        var keys = (await lookup.KeysAsync()).Select(k => (Key: k, Owner: names.GetValueOrDefault(k.PrincipalId, k.PrincipalId))).ToArray();
        context.Output.List(
            keys, k => Shape(k.Key, k.Owner), "There are no keys yet. Make one: demarc key create --user EMAIL --name NAME",
            ["id", "name", "kind", "owner", "status", "created", "expires", "last used"],
            k => [k.Key.Id, k.Key.Name, k.Key.Kind, k.Owner, k.Key.Status, Output.Minute(k.Key.CreatedAt), Output.Minute(k.Key.ExpiresAt), Output.Minute(k.Key.LastUsedAt)]);
    });

    private static Command Show()
    {
        var id = new Argument<string>("ID") { Description = "apikey_…" };
        return new Command("show", "Show a key's particulars, never the key") { id }.Runs(async context =>
        {
            var key = await FindAsync(context, context.Get(id));
            var names = await new DirectoryLookup(await context.OpenAsync()).NamesAsync();
            var owner = names.GetValueOrDefault(key.PrincipalId, key.PrincipalId);
            context.Output.One(
                Shape(key, owner),
                ("id", key.Id), ("name", key.Name), ("kind", key.Kind), ("begins and ends with", key.Hint), ("owner", owner), ("workspace", key.WorkspaceId), ("project", key.ProjectId), ("status", key.Status),
                ("created", Output.Minute(key.CreatedAt)), ("created by", $"{key.CreatedByType} {key.CreatedById}"),
                ("expires", Output.Minute(key.ExpiresAt)), ("last used", Output.Minute(key.LastUsedAt)),
                ("reads without review until", Output.Minute(key.ReadExemptUntil)));
        });
    }

    private static Command Revoke()
    {
        var id = new Argument<string>("ID") { Description = "apikey_…" };
        return new Command("revoke", "End a key; what runs under it ends within seconds") { id }.Runs(async context =>
        {
            var key = await FindAsync(context, context.Get(id));
            var installation = await context.OpenAsync();
            if (key.Status != "archived")
                key = (await installation.Store.ApiKeys.UpdateAsync(installation.Organization.Id, key.Id, context.Actor, status: "archived"))!;
            context.Output.Done(Shape(key, null), $"{key.Id} is revoked.");
        });
    }

    private static async Task<StoredApiKey> FindAsync(CommandContext context, string id)
    {
        var installation = await context.OpenAsync();
        return await installation.Store.ApiKeys.GetAsync(installation.Organization.Id, id)
            ?? throw new CommandException($"There is no key {(id.StartsWith("demarc_", StringComparison.Ordinal) ? "by that id; give its id (apikey_…), not the key" : id)}. See: demarc key list");
    }

    private static async Task<(string Type, string Id, string Name, string Status)> OwnerAsync(DirectoryLookup lookup, string? user, string? account)
    {
        if (user is null)
        {
            var found = await lookup.ServiceAccountAsync(account!);
            return ("service_account", found.Id, found.Name, found.Status);
        }
        var person = await lookup.UserAsync(user);
        return ("user", person.Id, person.Email, person.Status);
    }

    // A project's key is in the project's workspace, so that it ends with it.
    private static async Task<(string? Workspace, string? Project)> PlaceAsync(DirectoryLookup lookup, string? workspace, string? project)
    {
        var named = workspace is null ? null : await lookup.WorkspaceAsync(workspace);
        var bound = project is null ? null : await lookup.ProjectAsync(project);
        return named is not null && bound?.WorkspaceId is { } of && of != named.Id
            ? throw new CommandException($"--workspace: the project {bound.Name} is in another workspace. Leave it out.")
            : (named?.Id ?? bound?.WorkspaceId, bound?.Id);
    }

    private static DateTimeOffset? End(string? text, DateTimeOffset now)
    {
        if (text is null)
            return null;
        if (text.EndsWith('d') && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days is > 0 and <= 36_500)
            return now.AddDays(days);
        if (!DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            throw new CommandException($"--expires {text}: {ExpiresRule}.");
        var end = new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        return end > now ? end : throw new CommandException($"--expires {text}: this day has begun already. Give one ahead.");
    }

    /// <summary>The Admin API's object, with what only the host's administrator needs.</summary>
    private static JsonObject Shape(StoredApiKey key, string? owner)
    {
        var shape = JsonSerializer.SerializeToNode(ApiKeyObject.Of(key), AdminAnswer.Wire)!.AsObject();
        shape.Add("kind", key.Kind);
        shape.Add("last_used_at", Rfc3339.Text(key.LastUsedAt));
        if (owner is not null)
            shape.Add("owner", owner);
        return shape;
    }
}
