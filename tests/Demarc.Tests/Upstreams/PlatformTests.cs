using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Simulator.Logging;
using Demarc.Tests.Proxy;
using Xunit;

namespace Demarc.Tests.Upstreams;

/// <summary>Each platform with a credential of its own kind; the simulator takes nothing that does not hold.</summary>
[Collection("cloud environment")]
public sealed class PlatformTests
{
    private const string Id = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    private const string Arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0";

    public static TheoryData<string, string, string, string> Platforms => new()
    {
        { "platform: foundry, endpoint: SIMULATOR/x/anthropic, credential: { api_key: sk-known }", "{ name: sonnet, model: claude-sonnet-4-6, hosting: azure }", "/x/anthropic/v1/messages?beta=true", "/x/anthropic/v1/messages?beta=true" },
        { "platform: foundry, endpoint: SIMULATOR/x/anthropic, credential: { azure: default }", "{ name: sonnet, model: claude-sonnet-4-6, hosting: anthropic }", "/x/anthropic/v1/messages?beta=true", "/x/anthropic/v1/messages?beta=true" },
        { "platform: anthropic, endpoint: SIMULATOR, credential: { api_key: sk-known }", "{ name: sonnet, model: claude-sonnet-4-6, scope: 'data-zone:us' }", "/v1/messages?beta=true", "/v1/messages?beta=true" },
        { "platform: anthropic-aws, endpoint: SIMULATOR, region: us-east-1, workspace: wrkspc_01A, credential: { api_key: sk-known }", "{ name: sonnet, model: claude-sonnet-4-6 }", "/v1/messages?beta=true", "/v1/messages?beta=true" },
        { "platform: anthropic-aws, endpoint: SIMULATOR, region: us-east-1, workspace: wrkspc_01A, credential: { aws: default }", "{ name: sonnet, model: claude-sonnet-4-6 }", "/v1/messages?beta=true", "/v1/messages?beta=true" },
        { "platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { aws: default }", $"{{ name: \"{Id}\", model: claude-sonnet-4-5-20250929 }}", "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke", "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream" },
        { "platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { aws: { role_arn: 'arn:aws:iam::123456789012:role/claude' } }", $"{{ name: \"{Arn}\", model: claude-sonnet-4-5-20250929 }}", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream" },
        { "platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { bearer_token: sk-known }", $"{{ name: \"{Id}\", model: claude-sonnet-4-5-20250929 }}", "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke", "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream" },
        { "platform: bedrock, api: messages, endpoint: SIMULATOR/anthropic, region: us-east-1, credential: { aws: default }", "{ name: anthropic.claude-opus-5, model: claude-opus-5 }", "/anthropic/v1/messages?beta=true", "/anthropic/v1/messages?beta=true" },
        { "platform: vertex, endpoint: SIMULATOR, region: global, project: contoso-1, credential: { google: { file: google.json } }", "{ name: claude-sonnet-4-5@20250929, model: claude-sonnet-4-5-20250929 }", "/v1/projects/contoso-1/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict", "/v1/projects/contoso-1/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict" },
    };

    [Theory]
    [MemberData(nameof(Platforms))]
    public async Task A_platform_answers_whole_and_streamed_and_counts_tokens(string resource, string deployment, string whole, string streamed)
    {
        await using var place = await StartAsync();
        await place.ServeAsync($"  - {{ name: it, {resource}, deployments: [{deployment}] }}\naliases: {{ ask: [{Full(deployment)}] }}");

        var (response, body) = await place.AskAsync(UpstreamPlace.Body("ask"));
        Assert.True(response.IsSuccessStatusCode, body + Journal(place));
        Assert.Equal("message", JsonDocument.Parse(body).RootElement.GetProperty("type").GetString());
        Assert.Equal(whole, Last(place).Target);

        (response, body) = await place.AskAsync(UpstreamPlace.Body("ask", stream: true));
        Assert.True(response.IsSuccessStatusCode, body + Journal(place));
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith("event: message_start\n", body, StringComparison.Ordinal);
        Assert.EndsWith("\n\n", body, StringComparison.Ordinal);
        Assert.Contains("event: message_stop\n", body, StringComparison.Ordinal);
        Assert.Equal(streamed, Last(place).Target);

        (response, body) = await place.AskAsync("""{"model":"ask","messages":[{"role":"user","content":"hello"}]}""", "/v1/messages/count_tokens");
        Assert.True(response.IsSuccessStatusCode, body + Journal(place));
        Assert.True(JsonDocument.Parse(body).RootElement.GetProperty("input_tokens").GetInt32() > 0);
        // The client's key is the gateway's business alone.
        Assert.DoesNotContain(place.Simulator.Log.Read(0), r => r.Headers.Any(h => h.Value.Contains("demarc_key", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Nothing_of_the_body_changes_but_what_the_platform_wants_otherwise()
    {
        await using var place = await StartAsync();
        await place.ServeAsync($$"""
              - { name: b, platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { bearer_token: sk-known }, deployments: [{ name: "{{Id}}", model: claude-sonnet-4-5-20250929 }] }
              - { name: g, platform: vertex, endpoint: SIMULATOR, region: eu, project: p, credential: { google: { file: google.json } }, deployments: [{ name: m, model: claude-sonnet-4-6, scope: "data-zone:eu" }] }
              - { name: a, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: sk-known }, deployments: [{ name: n, model: claude-sonnet-4-6, scope: "data-zone:us" }] }
              - { name: w, platform: anthropic-aws, endpoint: SIMULATOR, region: us-east-1, workspace: wrkspc_01A, credential: { aws: default }, deployments: [{ name: o, model: claude-sonnet-4-6 }] }
            """);
        const string betas = "claude-code-20250219,interleaved-thinking-2025-05-14,advanced-tool-use-2025-11-20";
        static string Ask(string model) => $$"""{ "model" : "{{model}}" , "x":1.50, "max_tokens":9,"messages":[{"role":"user","content":"h\u0065"}] ,"stream":true }""";

        await place.AskAsync(Ask(Id), betas: betas);
        Assert.Equal("""{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14","tool-search-tool-2025-10-19"], "x":1.50, "max_tokens":9,"messages":[{"role":"user","content":"h\u0065"}] }""", Sent(place));
        Assert.Null(Last(place).Header("anthropic-beta"));

        await place.AskAsync(Ask("m"), betas: betas);
        Assert.Equal("""{"anthropic_version":"vertex-2023-10-16", "x":1.50, "max_tokens":9,"messages":[{"role":"user","content":"h\u0065"}] ,"stream":true }""", Sent(place));
        Assert.Equal("claude-code-20250219,interleaved-thinking-2025-05-14,tool-search-tool-2025-10-19", Last(place).Header("anthropic-beta"));

        await place.AskAsync(Ask("n"), betas: betas);
        Assert.Equal("{\"inference_geo\":\"us\"," + Ask("n")[1..], Sent(place));
        Assert.Equal(betas, Last(place).Header("anthropic-beta"));

        await place.AskAsync(Ask("o"), betas: betas);
        Assert.Equal(Ask("o"), Sent(place));
        Assert.Equal("wrkspc_01A", Last(place).Header("anthropic-workspace-id"));
    }

    [Fact]
    public async Task A_geography_of_the_clients_own_is_not_overwritten()
    {
        await using var place = await StartAsync();
        await place.ServeAsync("  - { name: a, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: sk-known }, deployments: [{ name: n, model: claude-sonnet-4-6, scope: 'data-zone:us' }] }");

        var (response, body) = await place.AskAsync("""{"inference_geo":"global","model":"n","max_tokens":9,"messages":[]}""");

        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request_error"), (response.StatusCode, Answers.Error(body).Type));
        Assert.StartsWith("inference_geo: ", Answers.Error(body).Message, StringComparison.Ordinal);
        Assert.Empty(place.Simulator.Log.Read(0));
    }

    [Fact]
    public async Task A_provisioned_deployment_answers_and_its_tokens_cannot_be_counted()
    {
        const string provisioned = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123";
        await using var place = await StartAsync();
        await place.ServeAsync("  - { name: b, platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { bearer_token: sk-known }, deployments: [{ name: '" + provisioned + "', model: claude-sonnet-4-6 }] }");

        Assert.Equal(HttpStatusCode.OK, (await place.AskAsync(UpstreamPlace.Body(provisioned))).Response.StatusCode);
        Assert.Equal("/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprovisioned-model%2Fabc123/invoke", Last(place).Target);
        place.Simulator.Log.Clear();
        var (response, body) = await place.AskAsync($$"""{"model":"{{provisioned}}","messages":[]}""", "/v1/messages/count_tokens");

        Assert.Equal((HttpStatusCode.NotImplemented, "not_supported"), (response.StatusCode, Answers.Error(body).Type));
        Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
        Assert.Empty(place.Simulator.Log.Read(0));
    }

    /// <summary>A simulator that takes only what it gave out, and an environment in which each cloud's default chain finds something.</summary>
    internal static async Task<UpstreamPlace> StartAsync(Demarc.Simulator.SimulatorOptions? options = null)
    {
        var place = await UpstreamPlace.StartAsync(options);
        place.Simulator.Tokens.Required = true;
        place.Simulator.Tokens.AddKey("sk-known");
        place.Simulator.Tokens.AddAwsKey("AKIDOPERATOR", "operator/secret");
        place.Set("AWS_ACCESS_KEY_ID", "AKIDOPERATOR");
        place.Set("AWS_SECRET_ACCESS_KEY", "operator/secret");
        place.Set("AWS_ENDPOINT_URL_STS", place.Address + "/sts");
        place.Set("AWS_EC2_METADATA_DISABLED", "true");
        place.Set("IDENTITY_ENDPOINT", place.Address + "/msi/token");
        place.Set("IDENTITY_HEADER", "of-this-site");
        // The library keeps an identity's token as long as the process runs: each test has an identity of its own.
        place.Set("AZURE_CLIENT_ID", Guid.CreateVersion7().ToString());
        using var rsa = RSA.Create(2048);
        WriteServiceAccount(place, rsa);
        place.Simulator.Tokens.AddServiceAccount("demarc@contoso-1.example", rsa.ExportParameters(includePrivateParameters: false));
        return place;
    }

    internal static void WriteServiceAccount(UpstreamPlace place, RSA key) =>
        place.Write("google.json", $$"""{"type":"service_account","project_id":"contoso-1","private_key_id":"k","private_key":{{JsonSerializer.Serialize(key.ExportPkcs8PrivateKeyPem())}},"client_email":"demarc@contoso-1.example","client_id":"1","token_uri":"{{place.Address}}/google/token"}""");

    internal static LoggedRequest Last(UpstreamPlace place) => place.Simulator.Log.Read(0).Last(r => r.Method == "POST" && !r.Target.Contains("token", StringComparison.Ordinal) && r.Target != "/sts");

    internal static string Journal(UpstreamPlace place) => string.Concat(place.Journal.Select(j => "\n" + j.Line));

    private static string Sent(UpstreamPlace place) => Encoding.UTF8.GetString(Last(place).Body);

    private static string Full(string deployment)
    {
        var name = deployment["{ name: ".Length..deployment.IndexOf(", model", StringComparison.Ordinal)].Trim('"');
        return $"\"it/{name}\"";
    }
}
