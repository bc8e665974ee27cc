using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>What stands beside the table of <see cref="RefusedInputTests"/>: what may be odd and is not bad, and what nobody can be answered.</summary>
public sealed class BadInputTests
{
    [Theory, InlineData("api-key"), InlineData("authorization")]
    public async Task The_key_may_come_in_any_of_its_headers(string header)
    {
        await using var place = await ProxyPlace.StartAsync();
        var request = place.Ask(ProxyPlace.Body("my-opus"), "/anthropic/v1/messages");
        request.Headers.Remove("x-api-key");
        request.Headers.Add(header, (header == "authorization" ? "Bearer " : "") + place.Keys["developer_key"]);
        var (response, _) = await place.SendAsync(request);
        Assert.Equal(200, (int)response.StatusCode);
    }

    [Theory, InlineData("HEAD", "/"), InlineData("HEAD", "/api/hello"), InlineData("GET", "/livez"), InlineData("GET", "/readyz")]
    public async Task Probes_need_no_key(string method, string path)
    {
        await using var place = await ProxyPlace.StartAsync();
        var (response, _) = await place.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Equal(200, (int)response.StatusCode);
    }

    [Fact]
    public async Task A_body_that_is_cut_off_is_not_sent_on()
    {
        await using var place = await ProxyPlace.StartAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", place.Gateway.Url.Port, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {place.Keys["developer_key"]}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"model\":\"sonnet\""),
            TestContext.Current.CancellationToken);
        socket.Client.Shutdown(SocketShutdown.Send);
        try
        {
            await stream.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // Kestrel may reset what it cannot answer.
        }
        var (_, _) = await place.SendAsync(place.Ask(ProxyPlace.Body()));
        Assert.Single(place.Simulator.Log.Read(0));
    }
}
