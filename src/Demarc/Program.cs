using System.CommandLine;
using System.CommandLine.Invocation;
using Demarc.Commands;

// Sockets go on with their work on the thread that heard from them: handing it over costs more than most of it does.
// Read once, by the first socket; what takes long (large bodies) is moved off by the request path itself.
if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
    Environment.SetEnvironmentVariable(InlineCompletions, "1");

var root = new RootCommand("Demarc: a gateway and control plane for Claude that decides, enforces, records and proves where each request runs.")
{
    ServeCommand.Create(),
    ConfigCommands.Create(),
    KeyCommands.Create(),
    UserCommands.Create(),
    ServiceAccountCommands.Create(),
    GroupCommands.Create(),
    AliasCommands.Create(),
    ResourceCommands.Create(),
    CatalogCommands.CreateModel(),
    CatalogCommands.CreateCatalog(),
    CostCommand.Create(),
};
// An argument that begins with @ is an argument, not a file of them.
var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Action is ParseErrorAction)
    return CommandRun.WrongUsage(parsed);
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });

internal static partial class Program
{
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
}
