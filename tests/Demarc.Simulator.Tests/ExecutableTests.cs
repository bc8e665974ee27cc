using System.Diagnostics;

namespace Demarc.Simulator.Tests;

public sealed class ExecutableTests
{
    [Fact]
    public async Task It_prints_where_it_listens_and_honours_its_arguments()
    {
        using var process = Start("--listen", "127.0.0.1:0", "--key", "k1", "--key", "k2", "--no-log", "--latency-ms", "1");
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(Client.Cancellation);
            Assert.StartsWith("listening http://127.0.0.1:", line, StringComparison.Ordinal);
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            var models = new Uri(line!["listening ".Length..] + "/v1/models");
            Assert.Equal(401, (int)(await http.GetAsync(models, Client.Cancellation)).StatusCode);
            http.DefaultRequestHeaders.Add("x-api-key", "k2");
            Assert.Equal(200, (int)(await http.GetAsync(models, Client.Cancellation)).StatusCode);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(Client.Cancellation);
        }
    }

    [Theory]
    [InlineData("--lsten")]
    [InlineData("--key")]
    [InlineData("--latency-ms", "soon")]
    public async Task A_wrong_argument_is_named(params string[] arguments)
    {
        using var process = Start(arguments);
        var error = await process.StandardError.ReadToEndAsync(Client.Cancellation);
        await process.WaitForExitAsync(Client.Cancellation);
        Assert.Equal(2, process.ExitCode);
        Assert.Contains(arguments[0], error, StringComparison.Ordinal);
    }

    private static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Path.ChangeExtension(typeof(SimulatorHost).Assembly.Location, null), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
}
