using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Demarc.Tests.Identity.Roles;

public sealed class RouteTableTests
{
    [Fact]
    public async Task A_route_that_the_table_does_not_name_is_refused()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton<RouteTable>();
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.Use(app.Services.GetRequiredService<RouteTable>().HandleAsync);
        app.MapGet("/livez", () => "named");
        app.MapGet("/v1/organizations/forgotten", () => "reached");
        // A method that is not named stands beside one that is.
        app.MapMethods("/readyz", ["GET", "POST"], () => "reached");
        app.MapFallback("{**path}", http => { http.Response.StatusCode = 404; return Task.CompletedTask; });
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(app.Urls.First()) };

        Assert.Equal("named", await http.GetStringAsync("/livez", TestContext.Current.CancellationToken));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/nothing", TestContext.Current.CancellationToken)).StatusCode);
        foreach (var path in new[] { "/v1/organizations/forgotten", "/readyz" })
        {
            using var refused = await http.GetAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.DoesNotContain("reached", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
    }
}
