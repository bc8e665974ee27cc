using Anthropic;
using Anthropic.Bedrock;
using Anthropic.Exceptions;
using Anthropic.Foundry;
using Anthropic.Models.Messages;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>The official C# SDKs: Anthropic by its base URL, Foundry by a transport that leads its host name to the gateway.</summary>
public sealed class DotnetSdkTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    [Fact]
    public async Task The_anthropic_sdk_creates_streams_and_counts()
    {
        using var client = new AnthropicClient { BaseUrl = gateway.Url.AbsoluteUri.TrimEnd('/'), ApiKey = gateway.DeveloperKey, MaxRetries = 0 };

        await AssertMessagesAsync(client, "claude-sonnet-5");
    }

    [Fact]
    public async Task The_foundry_sdk_creates_streams_and_counts()
    {
        using var http = new HttpClient(new ToGateway(gateway.Url, "contoso.services.ai.azure.com"));
        using var client = new AnthropicFoundryClient(new AnthropicFoundryApiKeyCredentials(gateway.DeveloperKey, "contoso")) { HttpClient = http, MaxRetries = 0 };

        await AssertMessagesAsync(client, "claude-sonnet-4-6");
    }

    [Fact]
    public async Task The_bedrock_sdk_creates_and_streams()
    {
        using var http = new HttpClient(new ToGateway(gateway.Url, "bedrock-runtime.us-east-1.amazonaws.com"));
        using var client = new AnthropicBedrockClient(new AnthropicBedrockApiTokenCredentials { BearerToken = gateway.DeveloperKey, Region = "us-east-1" }) { HttpClient = http, MaxRetries = 0 };

        await AssertMessagesAsync(client, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", counts: false);
    }

    [Fact]
    public async Task A_policy_refusal_is_the_sdks_bad_request()
    {
        using var client = new AnthropicClient { BaseUrl = gateway.Url.AbsoluteUri.TrimEnd('/'), ApiKey = gateway.DeveloperKey };

        var refused = await Assert.ThrowsAsync<AnthropicBadRequestException>(() => client.Messages.Create(Hello("nosuch"), TestContext.Current.CancellationToken));

        Assert.Contains("policy_blocked", refused.ResponseBody, StringComparison.Ordinal);
    }

    private static async Task AssertMessagesAsync(AnthropicClient client, string model, bool counts = true)
    {
        var stop = TestContext.Current.CancellationToken;
        var whole = await client.Messages.Create(Hello(model), stop);
        Assert.True(whole.Content[0].TryPickText(out var text));
        Assert.Equal("Echo: Hello, Claude", text.Text);
        Assert.Equal(model, whole.Model.Raw());
        Assert.True(whole.Usage.OutputTokens > 0);

        var streamed = "";
        var ended = false;
        await foreach (var e in client.Messages.CreateStreaming(Hello(model), stop))
        {
            if (e.TryPickContentBlockDelta(out var block) && block.Delta.TryPickText(out var delta))
                streamed += delta.Text;
            ended |= e.TryPickStop(out _);
        }
        Assert.Equal(("Echo: Hello, Claude", true), (streamed, ended));

        if (!counts)
            return;
        var counted = await client.Messages.CountTokens(new MessageCountTokensParams { Model = model, Messages = [new UserMessageParam("Hello, Claude")] }, stop);
        Assert.True(counted.InputTokens > 0);
    }

    private static MessageCreateParams Hello(string model) => new() { Model = model, MaxTokens = 100, Messages = [new UserMessageParam("Hello, Claude")] };

    /// <summary>Name resolution by hand: what is sent to <paramref name="host"/> goes to the gateway, and nothing else goes anywhere.</summary>
    private sealed class ToGateway(Uri gateway, string host) : DelegatingHandler(new SocketsHttpHandler { UseProxy = false })
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Assert.Equal(host, request.RequestUri!.Host);
            request.RequestUri = new Uri(gateway, request.RequestUri.PathAndQuery);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
