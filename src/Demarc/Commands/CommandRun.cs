using System.CommandLine;
using System.CommandLine.Parsing;
using Demarc.Serving;
using Demarc.Storage;

namespace Demarc.Commands;

/// <summary>A command cannot do what it was asked; the message is one line that says what to do.</summary>
internal sealed class CommandException(string message) : Exception(message);

/// <summary>How commands end: 0 done, 1 not done, 2 asked wrongly; what went wrong goes to standard error.</summary>
internal static class CommandRun
{
    /// <summary>A command whose expected failures are a line on standard error.</summary>
    public static Command Runs(this Command command, Func<ParseResult, Task<int>> run)
    {
        command.SetAction(async (parsed, _) =>
        {
            try
            {
                return await run(parsed);
            }
            catch (Exception e) when (e is CommandException or ServeException or StoreException or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return 1;
            }
        });
        return command;
    }

    /// <summary>A command on an installation.</summary>
    public static Command Runs(this Command command, Func<CommandContext, Task> run)
    {
        foreach (var option in CommandContext.Options)
            command.Options.Add(option);
        return command.Runs(async parsed =>
        {
            await using var context = new CommandContext(parsed);
            await run(context);
            return 0;
        });
    }

    /// <summary>The command under another name as well.</summary>
    public static Command Also(this Command command, string name)
    {
        command.Aliases.Add(name);
        return command;
    }

    /// <summary>What looks like an option and was taken for an argument, as commands that take any number of them do; null for none.</summary>
    public static string? UnknownOption(ParseResult parsed) =>
        parsed.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash).FirstOrDefault(t => t.Type == TokenType.Argument && t.Value.StartsWith("--", StringComparison.Ordinal))?.Value;

    public static int WrongUsage(ParseResult parsed)
    {
        foreach (var error in parsed.Errors)
            Console.Error.WriteLine(string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        if (parsed.Errors.Count == 0)
            Console.Error.WriteLine($"Unknown option '{UnknownOption(parsed)}'.");
        var path = new List<string>();
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult command; at = at.Parent)
            path.Insert(0, command.Command is RootCommand ? "demarc" : command.Command.Name);
        Console.Error.WriteLine($"See: {string.Join(' ', path)} --help");
        return 2;
    }
}
