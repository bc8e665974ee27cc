using System.Runtime.InteropServices;
using Demarc.Simulator;
using Microsoft.Extensions.Logging;

const string Usage = "usage: demarc-simulator [--listen IP:PORT] [--key KEY]... [--latency-ms N] [--no-log]";

using var logging = LoggerFactory.Create(builder => builder.AddSimpleConsole().SetMinimumLevel(LogLevel.Error));
var options = new SimulatorOptions { Logging = logging };
try
{
    options = CommandLine.Parse(args, options);
}
catch (FormatException wrong)
{
    await Console.Error.WriteLineAsync($"{wrong.Message}\n{Usage}");
    return 2;
}

await using var host = await SimulatorHost.StartAsync(options);
var stop = new TaskCompletionSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
Console.WriteLine($"listening {host.Url.GetLeftPart(UriPartial.Authority)}");
await stop.Task;
return 0;

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.TrySetResult();
}
