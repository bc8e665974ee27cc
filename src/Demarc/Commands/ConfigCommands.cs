using System.CommandLine;
using Demarc.Control.Configuration;
using Demarc.Serving;

namespace Demarc.Commands;

/// <summary><c>demarc config</c>.</summary>
internal static class ConfigCommands
{
    public static Command Create() => new("config", "The configuration file") { Check() };

    private static Command Check()
    {
        var file = new Argument<string>("FILE") { Description = "The configuration file (YAML)" };
        var json = new Option<bool>("--json") { Description = "Print the problems as JSON" };
        return new Command("check", "Say every problem of a configuration file; exit code 1 when it cannot be used") { file, json }.Runs(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var result = InstallationFiles.Check(path, TimeProvider.System);
            Console.WriteLine(parsed.GetValue(json) ? ConfigReport.Json(result) : ConfigReport.Text(path, result).TrimEnd());
            return Task.FromResult(result.Config is null ? 1 : 0);
        });
    }
}
