using System.CommandLine;
using Demarc.Control.Clients;

namespace Demarc.Commands;

/// <summary><c>demarc client</c>: what goes to developers' machines.</summary>
internal static class ClientCommands
{
    public static Command Create() => new("client", "What goes to developers' machines") { Config() };

    private static Command Config()
    {
        var url = new Option<Uri?>("--url") { Description = "The gateway's address; default the configuration's public_url" };
        var only = new Option<string?>("--for") { Description = "One of them, without its heading: " + string.Join(", ", ClientConfiguration.Names) };
        only.AcceptOnlyFromAmong(ClientConfiguration.Names);
        return new Command("config", "Print what makes Claude Code use the gateway: managed settings for people who sign in, variables for each mode, apiKeyHelper") { url, only }.Runs(context =>
        {
            var at = context.Get(url) ?? context.Files.Config.PublicUrl ?? throw new CommandException("The configuration has no public_url. Pass --url https://GATEWAY.");
            if (at is not { IsAbsoluteUri: true, Scheme: "https" or "http", UserInfo: "" })
                throw new CommandException($"--url {at}: give an address such as https://claude.contoso.example.");
            var all = ClientConfiguration.Of(at);
            if (context.Get(only) is { } name)
                Console.WriteLine(all.Single(d => d.Name == name).Content);
            else
                context.Output.List(all, d => new { d.Name, d.Place, d.Content }, "", ["FOR", "WHERE", "WHAT"], d => [d.Name, d.Place, d.Content]);
            return Task.CompletedTask;
        });
    }
}
