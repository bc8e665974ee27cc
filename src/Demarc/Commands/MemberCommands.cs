using System.CommandLine;

namespace Demarc.Commands;

/// <summary><c>add</c> and <c>remove</c> of what has members.</summary>
internal static class MemberCommands
{
    /// <summary>Whom to change, and who is to come and to go (ids).</summary>
    public sealed record Change(CommandContext Context, DirectoryLookup Lookup, string Name, string[] Add, string[] Remove);

    /// <param name="what">What has members, for example <c>group</c>.</param>
    /// <param name="members">What they can be named by.</param>
    /// <param name="find">The id of a member.</param>
    /// <param name="change">Makes the change; answers the object in JSON, its name and the members it then has.</param>
    public static Command Create(
        string verb, string what, string members, Func<DirectoryLookup, string, Task<string>> find, Func<Change, Task<(object Shape, string Name, string[] Members)>> change)
    {
        var name = new Argument<string>(what.ToUpperInvariant()) { Description = "A name or an id" };
        var named = new Argument<string[]>("MEMBER") { Description = members, Arity = ArgumentArity.OneOrMore };
        return new Command(verb, verb == "add" ? $"Add members to a {what}" : $"Remove members from a {what}") { name, named }.Runs(async context =>
        {
            var lookup = new DirectoryLookup(await context.OpenAsync());
            var ids = new List<string>();
            foreach (var member in context.Get(named))
                ids.Add(await find(lookup, member));
            var (shape, called, now) = await change(new Change(context, lookup, context.Get(name), verb == "add" ? [.. ids] : [], verb == "add" ? [] : [.. ids]));
            context.Output.Done(shape, $"{called}: {(now.Length == 0 ? "no members" : string.Join(", ", now))}.");
        });
    }
}
