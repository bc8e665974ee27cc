using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Governance.Spend;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc limit</c>: limits that are data; those of the configuration are changed there.</summary>
internal static class LimitCommands
{
    public static Command Create() => new("limit", "Spend limits") { List(), Set(), Remove(), LimitRequestCommands.List(), LimitRequestCommands.Approve(), LimitRequestCommands.Deny() };

    private static Command List() => new Command("list", "List the limits that are data, and those of the configuration").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        var names = await NamesAsync(new DirectoryLookup(installation));
        var stored = await installation.Store.SpendLimits.AllAsync(installation.Organization.Id);
        var rows = context.Files.Snapshot.Policies.SelectMany(p => p.Limits).Select(l => new Row(
                l.Place, l.Scope.ToString().ToLowerInvariant(), l.Resource is { } resource ? "at " + resource : null, l.Period.Wire(), NanoDollars.Format(l.AmountNano), l.Mode.Wire(), l.Pool is not null || l.Scope == LimitScope.Organization, "configuration"))
            .Concat(stored.Select(l => new Row(
                l.Id, SpendLimits.Wire(l.Scope), l.GroupName ?? names.GetValueOrDefault(l.Target, l.Target), l.Period.Wire(),
                l.AmountNano is { } nano ? NanoDollars.Format(nano) : "none", l.Mode.Wire(), l.Shared || l.Scope is StoredScope.Workspace or StoredScope.Project or StoredScope.Resource, "data")));
        context.Output.List(
            [.. rows], r => r, "There are no limits. Set one: demarc limit set --user EMAIL --amount 500.00",
            ["id", "scope", "who", "period", "amount", "mode", "shared", "from"],
            r => [r.Id, r.Scope, r.Who, r.Period, r.Amount, r.Mode, r.Shared ? "yes" : "no", r.Source]);
    });

    private static Command Set()
    {
        var user = new Option<string?>("--user") { Description = "One person or service account, by address, name or id" };
        var group = new Option<string?>("--group") { Description = "Each member of a group; with --shared all of them together" };
        var key = new Option<string?>("--key") { Description = "One API key, by id" };
        var workspace = new Option<string?>("--workspace") { Description = "Requests for a workspace together, by name or id" };
        var project = new Option<string?>("--project") { Description = "Requests for a project together, by name or id" };
        var resource = new Option<string?>("--resource") { Description = "What is spent at a resource, by its name" };
        var amount = new Option<string>("--amount") { Description = "Dollars such as 500.00, or none to lift what would be inherited", Required = true };
        var period = new Option<string>("--period") { Description = "How often it starts anew, in UTC", DefaultValueFactory = _ => "monthly" };
        period.AcceptOnlyFromAmong(LimitPeriods.Names);
        var mode = new Option<string>("--mode") { Description = "soft warns, hard refuses, audit records", DefaultValueFactory = _ => "soft" };
        mode.AcceptOnlyFromAmong(LimitModes.Names);
        var shared = new Option<bool>("--shared") { Description = "One budget for the group, or the organization, together" };
        return new Command("set", "Set a limit; without a scope such as --user for everyone in the organization") { user, group, key, workspace, project, resource, amount, period, mode, shared }.Runs(async context =>
        {
            long? nano = null;
            if (context.Get(amount) is not "none" and var text)
                nano = SpendAmount.ParseUsd(text!, out var parsed) is { } problem ? throw new CommandException($"--amount: {problem}") : parsed;
            Option<string?>[] scopes = [user, group, key, workspace, project, resource];
            if (scopes.Where(o => context.Get(o) is not null).ToArray() is var given && given.Length > 1)
                throw new CommandException($"Give one of {string.Join(" and ", given.Select(o => o.Name))}.");
            if (context.Get(shared) && given.Any(o => o != group))
                throw new CommandException("--shared is for a group, or the organization.");
            var installation = await context.OpenAsync();
            context.NeedsNoSecond("limits");
            var lookup = new DirectoryLookup(installation);
            var (scope, target) = context.Get(user) is { } who ? (StoredScope.User, await lookup.MemberAsync(who))
                : context.Get(group) is { } name ? (StoredScope.Group, (await lookup.GroupAsync(name)).Id)
                : context.Get(key) is { } id ? (StoredScope.Key, await KeyAsync(lookup, id))
                : context.Get(workspace) is { } place ? (StoredScope.Workspace, (await lookup.WorkspaceAsync(place)).Id)
                : context.Get(project) is { } work ? (StoredScope.Project, (await lookup.ProjectAsync(work)).Id)
                : context.Get(resource) is { } at ? (StoredScope.Resource, Resource(context, at))
                : (StoredScope.Organization, "");
            var limit = await installation.Store.SpendLimits.PutAsync(
                installation.Organization.Id, scope, target, (LimitPeriod)Array.IndexOf(LimitPeriods.Names, context.Get(period)), context.Get(shared), nano,
                (LimitMode)Array.IndexOf(LimitModes.Names, context.Get(mode)), context.Actor);
            var whom = given.Length > 0 ? $"{given[0].Name[2..]} {context.Get(given[0])}" : "everyone";
            context.Output.Done(
                SpendLimitObject.Of(limit),
                $"{limit.Id}: {(nano is { } n ? NanoDollars.Format(n) : "no limit")} {limit.Period.Wire()}, {limit.Mode.Wire()}, for {whom}{(limit.Shared ? " together" : "")}.");
        });
    }

    private static Command Remove()
    {
        var id = new Argument<string>("ID") { Description = "spl_…; see demarc limit list" };
        return new Command("remove", "Remove a limit") { id }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            context.NeedsNoSecond("limits");
            if (!await installation.Store.SpendLimits.DeleteAsync(installation.Organization.Id, context.Get(id), context.Actor))
                throw new CommandException($"There is no limit {context.Get(id)} that is data. See: demarc limit list");
            context.Output.Done(new { Type = "spend_limit_deleted", Id = context.Get(id) }, $"{context.Get(id)} is removed.");
        });
    }

    private static string Resource(CommandContext context, string name) =>
        Array.Find(context.Files.Snapshot.Resources, r => r.Name == name)?.Name ?? throw new CommandException($"There is no resource {name} in the configuration. See: demarc resource list");

    private static async Task<Dictionary<string, string>> NamesAsync(DirectoryLookup lookup)
    {
        var names = await lookup.NamesAsync();
        foreach (var workspace in await lookup.WorkspacesAsync(archivedToo: true))
            names[workspace.Id] = workspace.Name;
        foreach (var project in await lookup.ProjectsAsync(archivedToo: true))
            names[project.Id] = project.Name;
        return names;
    }

    private static async Task<string> KeyAsync(DirectoryLookup lookup, string id) =>
        (await lookup.KeysAsync()).Any(k => k.Id == id) ? id : throw new CommandException($"There is no key {id}. See: demarc key list");

    private sealed record Row(string Id, string Scope, string? Who, string Period, string Amount, string Mode, bool Shared, string Source);
}
