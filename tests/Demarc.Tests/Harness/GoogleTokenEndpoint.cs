using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Demarc.Tests.Harness;

/// <summary>Gives access tokens to whoever asks, and a service account's credential file that leads here.</summary>
internal sealed class GoogleTokenEndpoint : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-google-").FullName;

    private GoogleTokenEndpoint(WebApplication server) => _server = server;

    public string CredentialFile => Path.Combine(_folder, "service-account.json");

    public static async Task<GoogleTokenEndpoint> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var server = builder.Build();
        server.Urls.Add("http://127.0.0.1:0");
        server.MapPost("/token", () => Results.Json(new { access_token = "ya29.test", expires_in = 3600, token_type = "Bearer" }));
        await server.StartAsync();
        var endpoint = new GoogleTokenEndpoint(server);
        using var key = RSA.Create(2048);
        await File.WriteAllTextAsync(endpoint.CredentialFile, JsonSerializer.Serialize(new
        {
            type = "service_account",
            project_id = "test",
            private_key_id = "test",
            private_key = key.ExportPkcs8PrivateKeyPem(),
            client_email = "demarc@test.example",
            token_uri = server.Urls.First() + "/token",
        }));
        return endpoint;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
