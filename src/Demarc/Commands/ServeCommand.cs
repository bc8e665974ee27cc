using System.CommandLine;
using Demarc.Serving;

namespace Demarc.Commands;

/// <summary><c>demarc serve</c>.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var config = new Option<string?>("--config") { Description = "The configuration file (YAML)" };
        var data = new Option<string>("--data") { Description = "Where the embedded store and the master key live", DefaultValueFactory = _ => "data" };
        var listen = new Option<string?>("--listen") { Description = "IP address and port, in place of the configuration's; port 0 takes a free one" };
        var quickstart = new Option<bool>("--quickstart") { Description = "On an empty store, make an administrator, a developer and their keys, and write them to DATA/quickstart.json" };
        var simulator = new Option<Uri?>("--simulator")
        {
            Description = "The simulator's address, for a start without a configuration",
            CustomParser = argument =>
            {
                if (Uri.TryCreate(argument.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
                    return url;
                argument.AddError("--simulator: give an address, for example http://127.0.0.1:8081.");
                return null;
            },
        };
        var command = new Command("serve", "Serve the gateway and the control plane") { config, data, listen, quickstart, simulator };
        return command.Runs(async parsed =>
        {
            NativeHeap.Bound();
            await using var gateway = await Gateway.StartAsync(new ServeOptions
            {
                ConfigPath = parsed.GetValue(config),
                DataDirectory = parsed.GetValue(data)!,
                Listen = parsed.GetValue(listen),
                Quickstart = parsed.GetValue(quickstart),
                Simulator = parsed.GetValue(simulator),
            });
            Console.WriteLine($"listening {gateway.Url.AbsoluteUri.TrimEnd('/')}");
            await gateway.WaitForShutdownAsync();
            return 0;
        });
    }
}
