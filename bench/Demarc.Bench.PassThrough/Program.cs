using System.Net;
using Demarc.Bench.PassThrough;
using Microsoft.AspNetCore.Server.Kestrel.Core;

if (args is not [var upstream] || !Uri.TryCreate(upstream, UriKind.Absolute, out var target))
{
    await Console.Error.WriteLineAsync("usage: demarc-bench-passthrough UPSTREAM");
    return 2;
}

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Limits.MaxRequestBodySize = null;
    kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
});
var app = builder.Build();
using var forwarder = new Forwarder(target);
app.Run(forwarder.ForwardAsync);
await app.StartAsync();
Console.WriteLine($"listening {app.Urls.First()}");
await app.WaitForShutdownAsync();
return 0;
